"""An actor driven by somebody's performance, on the networks' square crop instead of a plate.

Source: `fsgan.md` 9.5 and 9.6: the first version's networks paste what they draw into the actor's
frame, those of the second give it as it is. Pose-only reenactment is a design of ours, `fsgan.md`
12.3, and so is all of this with the method `warp`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.analysis.landmark import box_of_mesh
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.face import FaceObservation
from faceplate.core.firstversion import FirstFaces
from faceplate.core.frame import Frame, Window
from faceplate.core.fsgan import NetworkFaces, view_weights
from faceplate.core.geometry import mesh as meshes
from faceplate.core.geometry.square import CROP_SIDE, as_codes
from faceplate.core.netcrop import CropPlace
from faceplate.core.replace import Cast, Look, shares_of, stretch_of
from faceplate.core.stages import composite, views, warp
from faceplate.core.stages.reenact import with_mouth_of
from faceplate.core.stages.views import ViewWeights
from faceplate.ocio.network import Shaper

_WHOLE = Window(0, 0, CROP_SIDE, CROP_SIDE)
_SPACE = "lin_rec709_scene"


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """An actor's face as somebody else moves it.

    Attributes:
        light: (256, 256, 3) float32 linear Rec.709, in the actor's own exposure.
        coverage: (256, 256) float32, 0 to 1; networks draw all of the crop.
        weights: the views' shares.
    """

    light: FloatArray
    coverage: FloatArray
    weights: ViewWeights


def drive_face(
    frame: Frame,
    face: FaceObservation,
    cast: Cast,
    shaper: Shaper,
    look: Look,
    networks: NetworkFaces | FirstFaces | None,
) -> Driven:
    """Return the actor's face with a performance's pose, expression, or both.

    Args:
        frame: of the performance.
        face: the performer in it.
        cast: the actor, and the performer's track.
        shaper: codes to linear light.
        look: its knob `pose` says what drives: with "expression-only" the actor's most frontal
            view keeps its own pose and place.
        networks: draw the face; None warps it. The first version's draw expressions alone.
    """
    alone = look.pose == "expression-only"
    if alone:
        shares = np.zeros(len(cast.sources), np.float32)
        shares[_frontal(cast)] = 1
        weights = ViewWeights(shares, shares, shares)
    elif networks is not None or look.pose == "pose-only":
        # By pose alone: views that are like the performer's expression would bring it along.
        assert cast.actor is not None
        shares = view_weights(cast.actor, face.pose, look.views)
        weights = ViewWeights(shares, shares, shares)
    else:
        weights = shares_of(cast, face, look.views)
    main = int(np.argmax(weights.skin))
    if networks is not None:
        codes = _drawn(frame, face, cast, look, networks, weights.skin, main)
        coverage = np.ones((CROP_SIDE, CROP_SIDE), np.float32)
    else:
        codes, coverage = _warped(frame, face, cast, look, weights, main)
    level = np.exp2(np.float32(cast.sources[main].view.skin[:3].mean()))
    return Driven(shaper.decode(codes) * (level / np.float32(views.MIDDLE)), coverage, weights)


def crop_frame(number: int, driven: Driven | None) -> Frame:
    """Return the frame to write, RGBA in half, linear Rec.709; black where there is nothing."""
    if driven is None:
        pixels = np.zeros((CROP_SIDE, CROP_SIDE, 4), np.float32)
    else:
        pixels = composite.premultiply(driven.light, driven.coverage)
    channels = {name: pixels[..., index].astype(np.float16) for index, name in enumerate("RGBA")}
    return Frame(number, channels, _WHOLE, _WHOLE, 1.0, _SPACE, {"colorInteropID": _SPACE})


def _frontal(cast: Cast) -> int:
    """Return the view that looks most straight ahead, as the released code's frontal picture."""
    poses = [source.view.pose for source in cast.sources]
    return int(np.argmin([pose.yaw**2 + pose.pitch**2 + pose.roll**2 for pose in poses]))


def _driven_mesh(
    frame: Frame, face: FaceObservation, cast: Cast, look: Look, main: int
) -> DoubleArray:
    """Return the mesh of the driven face, square pixels of the performance."""
    assert cast.actor is not None
    plain = face.mesh * stretch_of(frame)
    if look.pose == "pose-only":
        own = cast.sources[main].view.mesh
        return meshes.fit(plain).posed(meshes.fit(own).canonical(own))
    return warp.driven_mesh(
        plain,
        cast.actor,
        cast.target,
        shape=look.shape,
        expression=look.expression,
        pose=look.pose,
        main=cast.sources[main].view,
    )


def _drawn(
    frame: Frame,
    face: FaceObservation,
    cast: Cast,
    look: Look,
    networks: NetworkFaces | FirstFaces,
    weights: FloatArray,
    main: int,
) -> FloatArray:
    mesh = _driven_mesh(frame, face, cast, look, main)
    place = CropPlace.around(face.box, frame.pixel_aspect)
    points = place.landmarks(mesh / stretch_of(frame))
    if isinstance(networks, FirstFaces):
        return np.clip(as_codes(networks.expressed(main, points)), 0, 1)
    pose = face.pose
    if look.pose == "expression-only":
        pose = cast.sources[main].view.pose
        points = with_mouth_of(networks.crop(main).points, points)
    return np.clip(as_codes(networks.driven(points, pose, weights, look.steps)), 0, 1)


def _warped(
    frame: Frame, face: FaceObservation, cast: Cast, look: Look, weights: ViewWeights, main: int
) -> tuple[FloatArray, FloatArray]:
    assert cast.actor is not None
    if look.pose == "expression-only":
        source = cast.sources[main].view
        place = CropPlace.around(box_of_mesh(source.mesh))
        plain = source.mesh.astype(np.float64)
        target = face.mesh * stretch_of(frame)
        said = meshes.fit(target).canonical(target) - cast.target.neutral
        own = meshes.fit(plain).canonical(plain) - cast.actor.neutral
        mesh = warp.moved_inside(plain, look.expression * said - own)
        aspect = 1.0
    else:
        mesh = _driven_mesh(frame, face, cast, look, main)
        place, aspect = CropPlace.around(face.box, frame.pixel_aspect), frame.pixel_aspect
    corner = [place.window.x0 * aspect, place.window.y0, 0.0]
    step = place.window.height / CROP_SIDE
    warped = warp.warp_face(
        cast.sources,
        weights,
        (mesh - corner) / step,
        cast.target,
        _WHOLE,
        pixel_aspect=1.0,
        eyes="source" if look.eyes == "auto" else look.eyes,
        mouth="source" if look.mouth == "auto" else look.mouth,
    )
    coverage = warped.raster.cover * warped.skin * (1 - warped.own)
    return warped.codes, np.clip(coverage, 0, 1).astype(np.float32)
