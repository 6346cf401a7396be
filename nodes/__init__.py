"""Nodes as every host shows them, in menu order; standard library only."""

from faceplate.nodes.face import (
    FACE_BLEND,
    FACE_COMPLETE,
    FACE_MATTE,
    FACE_QC,
    FACE_REENACT,
    FACE_SWAP,
    FACE_TRACK,
    TRAIN_IDENTITY,
)
from faceplate.nodes.footage import ACTOR_SOURCE

NODES = (
    ACTOR_SOURCE,
    FACE_TRACK,
    FACE_MATTE,
    FACE_REENACT,
    FACE_COMPLETE,
    FACE_BLEND,
    FACE_SWAP,
    FACE_QC,
    TRAIN_IDENTITY,
)
