"""Labels of a track's faces, steadied in time; every crop is looked at once."""

from __future__ import annotations

from collections import OrderedDict

from faceplate.core.analyse import FramePicture
from faceplate.core.analysis.label import CropLabeller, LabelledCrop
from faceplate.core.arrays import FloatArray
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame, Window
from faceplate.core.io.footage import FootageReader
from faceplate.core.stages.segment import (
    REACH,
    Labels,
    labels_on,
    steady_chances,
)
from faceplate.core.track import FaceTrack
from faceplate.ocio.network import NetworkView

_FRAMES_KEPT = REACH + 1
"""A render in order reads ahead by the labels' reach; each frame is still read once."""
_CROPS_KEPT = 4 * (2 * REACH + 1)


class RecentFrames:
    """Reads frames and remembers the last few."""

    def __init__(self, reader: FootageReader) -> None:
        """Read from ``reader``."""
        self._reader = reader
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._digests: dict[int, str] = {}

    def digest(self, number: int) -> str:
        """Return the hash of a frame's content, as the reader gives it.

        Raises:
            FrameMissingError: the number is not on disk.
            FrameFormatError: the file cannot be used.
        """
        if number not in self._digests:
            self._digests[number] = self._reader.digest(number)
        return self._digests[number]

    def read(self, number: int) -> Frame:
        """Return a frame.

        Raises:
            FrameMissingError: the number is not on disk.
            FrameFormatError: the file cannot be used.
        """
        frame = self._kept.pop(number, None) or self._reader.read(number)
        self._kept[number] = frame
        if len(self._kept) > _FRAMES_KEPT:
            self._kept.popitem(last=False)
        return frame

    def has(self, number: int) -> bool:
        """Return whether a frame is on disk."""
        return number in self._reader.frames.numbers


class FaceLabels:
    """Labels the faces of a shot. What it remembers changes how long it takes, nothing else."""

    def __init__(self, frames: RecentFrames, view: NetworkView, labeller: CropLabeller) -> None:
        """Look at ``frames`` through ``view``."""
        self._frames, self._view, self._labeller = frames, view, labeller
        self._kept: OrderedDict[tuple[int, int], LabelledCrop] = OrderedDict()

    def seen_from(self, track: FaceTrack, face: FaceObservation) -> list[FaceObservation]:
        """Return the face in all the frames that its labels depend on, its own among them."""
        return [o for o in track.around(face.number, REACH) if self._frames.has(o.number)]

    def of(
        self, track: FaceTrack, face: FaceObservation, window: Window, linear: FloatArray
    ) -> Labels:
        """Return what each pixel of a window around a face shows.

        Args:
            track: the face's own.
            face: one frame of it.
            window: raster pixels.
            linear: (h, w, 3) float32, linear Rec.709 of the window.

        Raises:
            InputError: a frame next to it cannot be read.
        """
        near = self.seen_from(track, face)
        crops = [self._crop(track, other) for other in near]
        chances = steady_chances(crops, [other.number - face.number for other in near])
        own = crops[[other.number for other in near].index(face.number)]
        names = self._labeller.names
        return labels_on(chances, names, own.plate_from_crop, window, linear, face.height)

    def _crop(self, track: FaceTrack, face: FaceObservation) -> LabelledCrop:
        key = (track.index, face.number)
        crop = self._kept.pop(key, None)
        if crop is None:
            picture = FramePicture(self._frames.read(face.number), self._view)
            crop = self._labeller.label(picture, face.mesh, 1.0)
        self._kept[key] = crop
        if len(self._kept) > _CROPS_KEPT:
            self._kept.popitem(last=False)
        return crop
