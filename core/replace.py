"""One face of one frame: from plate pixels and an actor to a finished face element.

One call per step of the house plan's section 5, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from faceplate.core.analysis.label import region_of
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, smoothstep
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry import mesh as meshes
from faceplate.core.source import Actor
from faceplate.core.stages import blend, composite, grain, light, views, warp
from faceplate.core.stages.segment import Labels
from faceplate.core.stages.views import SourceView, Target, ViewWeights
from faceplate.core.stages.warp import Warped
from faceplate.core.track import FaceTrack
from faceplate.ocio.network import NetworkView

FEATHER_FACE_PX = 400.0
"""Face height at which `feather` is meant as written."""
_MARGIN = 0.06
"""Room around the widened mesh, face heights: blurs near the edge need it."""
_AUTO_SHUTTER_DEGREES = 180.0
_MAX_BLUR = 0.012
"""Largest defocus that is matched, face heights: beyond it the measure is not trusted."""
_HIDDEN_REACH = 0.012
"""How far around a hand or a prop the face is rebuilt, face heights."""
_SEAM_FLOOR = 0.01
"""In the networks' exposure, where skin is about 0.2."""


Labeller: TypeAlias = Callable[[Window, FloatArray], Labels]
"""Takes a window and its pixels in linear Rec.709; says what they show."""


@dataclass(frozen=True, slots=True)
class Look:
    """The knobs of one frame, as `nodes` defines them; keys are already evaluated."""

    views: int
    steps: int
    shape: float
    expression: float
    pose: str
    eyes: str
    mouth: str
    erode: float
    feather: float
    light: float
    seam: float
    sharpness: float | str
    motion_blur: float | str
    grain: float
    mix: float


REENACTING = ("views", "steps", "shape", "expression", "pose", "eyes", "mouth")
"""The knobs of a `Look` that count before the blend."""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """Who plays whom: everything about actor and target that is the same on every frame.

    Attributes:
        actor: the source, or None where mattes are wanted and no face.
        sources: the actor's views, ready for sampling.
        track: the target.
        target: what the whole track says of the target.
        seed: of the grain.
        completes: whether what covers the face is replaced, and the face stays.
    """

    actor: Actor | None
    sources: Sequence[SourceView]
    track: FaceTrack
    target: Target
    seed: int
    completes: bool


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """A finished face, on the pixels of ``window``.

    Attributes:
        window: raster pixels, inside the plate's data window.
        face: (h, w, 4) half-exact float32, premultiplied, scene.
        raw: (h, w, 3) float32 scene, before light and seam; covers more than the matte.
        matte: (h, w) float32, the delivered coverage.
        labels: what the pixels show, on a window of their own: hair and hands reach further.
        warped: the warp it was made from, for STMap and motion.
        mesh: (N, 3) widened mesh on the plate.
    """

    window: Window
    face: FloatArray
    raw: FloatArray
    matte: FloatArray
    labels: Labels
    warped: Warped
    mesh: DoubleArray


@dataclass(frozen=True, slots=True, eq=False)
class Reenacted:
    """A new face before the blend; nothing in it depends on a knob of the blend.

    Attributes:
        window: raster pixels, inside the plate's data window.
        mesh: (N, 3) widened mesh on the plate.
        height: of the face, square pixels.
        plate: (h, w, 3) float32, the plate in linear Rec.709.
        labels: what the pixels show, on a window of their own.
        warped: the actor's views on the plate's raster; without an actor, what would be covered.
        level: linear level of the main view's skin; 0 without an actor.
        exposure: what brings the decoded codes of ``warped`` near the plate's light.
        matte: (h, w) float32 hand-made coverage that is the matte as it is, or None.
        new: (h, w) float32, where the face is new and not the plate's, so that their light can be
            compared; None for all of it.
    """

    window: Window
    mesh: DoubleArray
    height: float
    plate: FloatArray
    labels: Labels
    warped: Warped
    level: float
    exposure: float = 1.0
    matte: FloatArray | None = None
    new: FloatArray | None = None


def cast_of(
    actor: Actor | None,
    track: FaceTrack,
    encode: Callable[[FloatArray], FloatArray],
    seed: int,
    *,
    completes: bool = False,
) -> Cast:
    """Prepare an actor for a track.

    Args:
        encode: linear Rec.709 to code values.
        completes: whether what covers the face is replaced, and the face stays.
    """
    return Cast(
        actor=actor,
        sources=[views.prepare_view(view, encode) for view in (actor.views if actor else ())],
        track=track,
        target=views.target_of(list(track.observations.values())),
        seed=seed,
        completes=completes,
    )


def reenact_face(
    frame: Frame,
    face: FaceObservation,
    cast: Cast,
    view: NetworkView,
    look: Look,
    label: Labeller,
) -> Reenacted | None:
    """Return the actor's face as the plate's moves, or None when it lies outside the picture.

    Without an actor, only what it would cover. Of the look, `REENACTING` counts, and no more.

    Args:
        view: the plate's way to linear Rec.709, to code values and back.
        label: says what the pixels of a window show.
    """
    mesh = face.mesh * stretch_of(frame)
    if cast.actor is None:
        wide, height, window = extent_of(mesh, frame)
        if window.is_empty:
            return None
        labels, plate = label_around(frame, face, window, view, label)
        warped = warp.cover_face(mesh, window, pixel_aspect=frame.pixel_aspect)
        return Reenacted(window, wide, height, plate, labels, warped, level=0.0)
    weights = shares_of(cast, face, look.views)
    main = cast.sources[int(np.argmax(weights.skin))].view
    mesh = warp.driven_mesh(
        mesh,
        cast.actor,
        cast.target,
        shape=look.shape,
        expression=look.expression,
        pose=look.pose,
        main=main,
    )
    wide, height, window = extent_of(mesh, frame)
    if window.is_empty:
        return None
    labels, plate = label_around(frame, face, window, view, label)
    warped = warp.warp_face(
        cast.sources,
        weights,
        mesh,
        cast.target,
        window,
        pixel_aspect=frame.pixel_aspect,
        eyes=look.eyes,
        mouth=look.mouth,
    )
    level = float(np.exp2(main.skin[:3].mean()))
    return Reenacted(window, wide, height, plate, labels, warped, level)


def shares_of(cast: Cast, face: FaceObservation, count: int) -> ViewWeights:
    """Return how much each view of a cast's actor gives to a frame, steady in time.

    Args:
        count: views that are mixed.
    """
    assert cast.actor is not None
    near = cast.track.around(face.number, 2)
    return views.steady_views(
        [views.choose_views(cast.actor, cast.sources, o, cast.target, count) for o in near],
        [other.number - face.number for other in near],
    )


def blend_face(
    new: Reenacted, face: FaceObservation, cast: Cast, view: NetworkView, look: Look
) -> Element:
    """Return a reenacted face in the plate's light, softness and grain, with its matte.

    Args:
        view: the plate's way to linear Rec.709, to code values and back.
    """
    warped, plate, height = new.warped, new.plate, new.height
    labels = new.labels.cut(new.window)
    visible = labels.visible
    wanted = hidden_part(labels, height) if cast.completes else visible
    matte = _matte(warped, labels, wanted, look, height) if new.matte is None else new.matte
    if new.level == 0:
        nothing = np.zeros((new.window.height, new.window.width, 4), np.float32)
        return Element(new.window, nothing, nothing[..., :3], matte, new.labels, warped, new.mesh)

    raw = view.shaper.decode(warped.codes)
    lit = raw * np.float32(new.exposure)
    seen = (warped.raster.cover * visible * warped.skin).astype(np.float32)
    trusted = seen * (1 - warped.features)
    comparable = trusted * smoothstep(0.0, 0.05, warped.depth)
    if new.new is not None:
        comparable = comparable * new.new
    matched = light.match_light(
        lit, plate, comparable.astype(np.float32), face_height=height, light=look.light
    )
    if new.new is not None:  # around it lies the plate, in its own light
        matched = np.asarray(lit + (matched - lit) * new.new[..., None], np.float32)
    lit = matched
    blur, motion = _softness(face, warped, cast.track, look, height)
    lit = grain.soften(lit, blur_px=blur, motion_px=motion)
    matte = grain.soften(matte, blur_px=0.0, motion_px=motion)
    lit = blend.match_seam(
        lit, plate, matte, trusted, floor=_SEAM_FLOOR / view.gain, seam=look.seam
    )
    lit = grain.add_grain(
        lit,
        noise=np.sqrt(np.maximum(np.square(face.noise) - np.square(warped.noise), 0)),
        level=float(np.exp2(face.skin[:3].mean())),
        grain=look.grain,
        rng=np.random.Generator(
            np.random.Philox(key=[cast.seed, (face.number & 0xFFFFFFFF) << 8 | cast.track.index])
        ),
    )
    matte = matte * np.float32(look.mix)
    return Element(
        window=new.window,
        face=composite.premultiply(view.light(lit), matte),
        raw=view.light(raw * np.float32(new.level / views.MIDDLE)),
        matte=matte,
        labels=new.labels,
        warped=warped,
        mesh=new.mesh,
    )


def stretch_of(frame: Frame) -> DoubleArray:
    """Return what takes a mesh from raster pixels to square ones."""
    return np.array([frame.pixel_aspect, 1.0, 1.0])


def extent_of(mesh: AnyArray, frame: Frame) -> tuple[DoubleArray, float, Window]:
    """Return a square-pixel mesh widened on the raster, its height, and the window to work on."""
    wide = meshes.widened(mesh) / stretch_of(frame)
    height = meshes.face_height(mesh)
    low, high = wide[:, :2].min(axis=0), wide[:, :2].max(axis=0)
    box = Window(*np.floor(low).astype(int).tolist(), *np.ceil(high).astype(int).tolist())
    return wide, height, box.grown(int(np.ceil(_MARGIN * height)) + 2).clipped(frame.data)


def label_around(
    frame: Frame, face: FaceObservation, window: Window, view: NetworkView, label: Labeller
) -> tuple[Labels, FloatArray]:
    """Label all that the network sees around a face; return also linear pixels of ``window``."""
    seen = region_of(face.mesh * stretch_of(frame))
    aspect, reach = frame.pixel_aspect, seen.side / 2
    whole = Window(
        int(np.floor((seen.x - reach) / aspect)),
        int(np.floor(seen.y - reach)),
        int(np.ceil((seen.x + reach) / aspect)),
        int(np.ceil(seen.y + reach)),
    )
    whole = whole.joined(window).clipped(frame.data)
    linear = view.linear(frame.rgb(whole))
    return label(whole, linear), np.ascontiguousarray(linear[window.slices_in(whole)])


def hidden_part(labels: Labels, height: float) -> FloatArray:
    """Return how much of each pixel is covered by something that is no hair.

    Faint doubts do not count. What does reaches a little past what was labelled: what covers a face
    has soft edges and casts shadow. A hand-made matte is taken as it is.

    Args:
        labels: of the pixels.
        height: of the face, in them.
    """
    if labels.drawn is not None:
        return labels.drawn
    reach = 2 * max(round(_HIDDEN_REACH * height), 1) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    sure = smoothstep(0.25, 0.75, labels.occluder).astype(np.float32)
    grown = cv2.GaussianBlur(cv2.dilate(sure, brush), (0, 0), reach / 4)
    return np.minimum(grown, 1 - labels.hair).astype(np.float32)


def _matte(
    warped: Warped, labels: Labels, wanted: FloatArray, look: Look, height: float
) -> FloatArray:
    """Return how much of each pixel is replaced, before motion blur and mix: what is ``wanted``.

    A hand-made matte has its edge from the artist: it is only kept to where there is a new face.
    """
    cover = warped.raster.cover.astype(np.float32)
    if labels.drawn is not None:
        return labels.drawn * cover * (1 - warped.own)
    scale = height / FEATHER_FACE_PX
    inside_px = warped.depth * np.float32(height)
    feather = max(look.feather * scale, 1e-3)
    edge = smoothstep(look.erode * scale, look.erode * scale + feather, inside_px)
    rim = cv2.GaussianBlur(cover, (0, 0), max(0.012 * height, 0.6))
    edge = edge * smoothstep(0.5, 0.98, rim)
    matte = edge * wanted * warped.skin * (1 - warped.own)
    return np.clip(matte, 0, 1).astype(np.float32)


def _softness(
    face: FaceObservation, warped: Warped, track: FaceTrack, look: Look, height: float
) -> tuple[float, tuple[float, float]]:
    """Return the blur that the new face lacks: sigma, and travel while the shutter is open."""
    shutter = _AUTO_SHUTTER_DEGREES if look.motion_blur == "auto" else float(look.motion_blur)
    near = track.around(face.number, 1)
    motion = (0.0, 0.0)
    if len(near) > 1:
        centers = [o.mesh[: meshes.VERTEX_COUNT, :2].mean(axis=0) for o in (near[0], near[-1])]
        step = (centers[1] - centers[0]) / (near[-1].number - near[0].number)
        motion = (float(step[0]) * shutter / 360, float(step[1]) * shutter / 360)
    if look.sharpness != "auto":
        return float(look.sharpness), motion
    moved = (motion[0] ** 2 + motion[1] ** 2) / 24  # mean of a line's variance over directions
    lacking = face.sharpness**2 - moved - warped.blur_px**2
    return float(np.sqrt(np.clip(lacking, 0.0, (_MAX_BLUR * height) ** 2))), motion
