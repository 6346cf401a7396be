"""Method `fsgan`: one face of one frame, drawn by networks as in the released FSGANv2 code.

Source: `fsgan.md` 10. How crops are cut and come back to the plate is ours, see `netcrop`; so is
what the reenactment's knobs change: with shape 0 and expression 1 the landmarks are the plate's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from faceplate.core.analyse import FramePicture
from faceplate.core.analysis.label import region_of
from faceplate.core.analysis.picture import plate_from_square
from faceplate.core.arrays import AnyArray, BoolArray, FloatArray
from faceplate.core.face import FaceObservation, HeadPose
from faceplate.core.frame import Frame
from faceplate.core.generators import Generators
from faceplate.core.geometry.square import CROP_SIDE, as_codes, as_network
from faceplate.core.netcrop import (
    SIZE,
    CropPlace,
    SourceCrop,
    carried,
    crop_from_crop,
    source_crop,
)
from faceplate.core.replace import (
    REENACTING,
    Cast,
    Labeller,
    Look,
    Reenacted,
    extent_of,
    hidden_part,
    label_around,
    stretch_of,
)
from faceplate.core.source import Actor
from faceplate.core.stages import views, warp
from faceplate.core.stages.erosion import erode_softly
from faceplate.core.stages.inpaint import inpaint_face
from faceplate.core.stages.reenact import mix_views, reenact_view, step_count, steps_towards
from faceplate.core.stages.segment import Labels
from faceplate.core.stages.transfer import transfer_face
from faceplate.core.stages.views import SourceView, ViewWeights
from faceplate.core.stages.warp import Warped
from faceplate.ocio.network import NetworkView

_PIXEL_BLUR = 0.5
"""Sigma of what a picture loses to pixels of its own size, in these."""
_FACE = ("face", "mouth")
"""Labels that count as face: the released segmenter has the mouth within."""


def view_weights(actor: Actor, pose: HeadPose, count: int) -> FloatArray:
    """Return (V,) float32: what each view gives, barycentric in the appearance map, sum 1.

    Args:
        count: views that may be mixed, 1 to 3; of fewer than three the strongest, so that one
            enters and leaves at 0.
    """
    weights = actor.map.weights_at(pose.yaw, pose.pitch)
    if len(weights) > count:
        first = int(np.argmax(weights))
        weights = np.maximum(weights - np.sort(weights)[-count - 1], 0)
        weights[first] = weights[first] or 1.0  # several alike: the first of them
    return np.asarray(weights / weights.sum(), np.float32)


class NetworkFaces:
    """Draws the faces of a shot. What it remembers changes how long it takes, nothing else."""

    def __init__(
        self,
        generators: Generators,
        actor: Actor,
        sources: Sequence[SourceView],
        encode: Callable[[FloatArray], FloatArray],
        taught: str = "",
    ) -> None:
        """Draw an actor's face.

        Args:
            sources: the actor's views, ready for sampling.
            encode: linear Rec.709 to code values.
            taught: how the networks were fine-tuned on the actor, in words, or "".
        """
        self.taught = taught
        self.generators, self.actor, self._encode = generators, actor, encode
        self._sources = sources
        self._crops: dict[int, SourceCrop] = {}
        self._last: tuple[object, Reenacted | None] | None = None

    def reenact_face(
        self,
        frame: Frame,
        face: FaceObservation,
        cast: Cast,
        view: NetworkView,
        look: Look,
        label: Labeller,
    ) -> Reenacted | None:
        """Return the actor's face as the plate's moves, or None when it lies outside the picture.

        It stands in for `replace.reenact_face`, and depends on no more than that does. A face that
        is held over several frames is drawn once.
        """
        key = (cast.track.index, face.number, *(getattr(look, name) for name in REENACTING))
        if self._last is None or self._last[0] != key:
            self._last = (key, self._drawn(frame, face, cast, view, look, label))
        return self._last[1]

    def driven(
        self, points: AnyArray, pose: HeadPose, weights: FloatArray, steps: int
    ) -> FloatArray:
        """Return the actor's face with other landmarks, (3, 256, 256) float32, -1 to 1.

        Args:
            points: (98, 3) wanted landmarks, in the pixels of the networks' crop.
            pose: of the head that has them.
            weights: (V,) what each view gives.
            steps: passes that are allowed.
        """
        drawn = []
        used = np.flatnonzero(weights)
        for index in used:
            crop = self.crop(int(index))
            picture, own = crop.turned(pose.roll)
            count = step_count(crop.pose, pose, steps)
            mover = self.generators.mover
            way = steps_towards(own, points, (crop.pose, pose), count, mover)
            network = self.generators.reenact
            drawn.append(reenact_view(network, picture, [one / CROP_SIDE for one in way]))
        return mix_views(drawn, [float(weights[index]) for index in used])

    def crop(self, index: int) -> SourceCrop:
        """Return a view as the networks take it."""
        if index not in self._crops:
            self._crops[index] = source_crop(self._sources[index], self._encode)
        return self._crops[index]

    def _drawn(
        self,
        frame: Frame,
        face: FaceObservation,
        cast: Cast,
        view: NetworkView,
        look: Look,
        label: Labeller,
    ) -> Reenacted | None:
        weights = view_weights(self.actor, face.pose, look.views)
        main = int(np.argmax(weights))
        mesh = warp.driven_mesh(
            face.mesh * stretch_of(frame),
            self.actor,
            cast.target,
            shape=look.shape,
            expression=look.expression,
            pose=look.pose,
            main=self._sources[main].view,
        )
        wide, height, window = extent_of(mesh, frame)
        if window.is_empty:
            return None
        labels, plate = label_around(frame, face, window, view, label)
        placed = warp.cover_face(mesh, window, pixel_aspect=frame.pixel_aspect)
        place = CropPlace.around(face.box, frame.pixel_aspect)
        picture = FramePicture(frame, view)
        target = picture.codes(picture.linear(place.raster_from_crop, SIZE))
        matte = self._matte(labels, placed, place, cast, height)
        eroded, answer = erode_softly(matte[None]), target
        hard = eroded.hard[0]
        if hard.any():
            points = place.landmarks(mesh / [frame.pixel_aspect, 1.0, 1.0])
            new = self.driven(points, face.pose, weights, look.steps)
            seen = self._seen(new, picture, face, place)
            answer = self._fitted(new, seen, target, hard, labels, place, cast, points)
        found = carried(view.encode(plate), target, answer, eroded, place, window)
        own = warp.own_parts(
            placed.raster,
            height,
            mouth=float(look.mouth == "plate"),
            eyes=float(look.eyes == "plate"),
        )
        source = self._sources[main]
        warped = replace(
            placed,
            codes=found.codes,
            skin=found.cover,
            own=own,
            features=warp.features_of(placed.raster),
            weights=ViewWeights(weights, weights, weights),
            blur_px=self._blur(weights) * float(place.steps[1]),
            noise=face.noise * found.kept[..., None],
            map=placed.raster.spread(source.mesh[:, :2]),
            main=main,
            main_size=source.codes[0].shape[:2],
        )
        gain = float(view.gain)
        return Reenacted(
            window,
            wide,
            height,
            plate,
            labels,
            warped,
            level=views.MIDDLE / gain,
            exposure=1 / gain,
            new=found.new,
        )

    def _blur(self, weights: FloatArray) -> float:
        """Return sigma of the blur of what is drawn, in the crop's pixels."""
        used = np.flatnonzero(weights)
        own = sum(float(weights[index]) * self.crop(int(index)).blur_px for index in used)
        return float(np.hypot(own, _PIXEL_BLUR))

    def _matte(
        self, labels: Labels, placed: Warped, place: CropPlace, cast: Cast, height: float
    ) -> FloatArray:
        """Return (256, 256): the part of the crop that is replaced."""
        if not cast.completes:
            return place.cut(labels.visible, labels.window)
        window = placed.raster.window
        hidden = hidden_part(labels.cut(window), height) * placed.raster.cover
        # The rim that erosion takes is not to stay hidden.
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
        grown = cv2.dilate(place.cut(hidden, window), brush)
        return np.minimum(grown, place.cut(placed.raster.cover, window))

    def _fitted(
        self,
        new: FloatArray,
        seen: BoolArray,
        target: FloatArray,
        hard: BoolArray,
        labels: Labels,
        place: CropPlace,
        cast: Cast,
        points: AnyArray,
    ) -> FloatArray:
        """Return the crop's codes with the new face completed and fitted."""
        own, outline = as_network(target), hard
        if cast.completes:
            # What the plate shows of the face is its own; the actor's lends the rest.
            visible = place.cut(labels.visible, labels.window) > 0.5
            new, seen = np.where(visible, own, new), seen | visible
            outline = hard | visible
        there = points[:, :2] / CROP_SIDE
        whole = inpaint_face(self.generators.complete, new, seen, outline, there)
        fitted = transfer_face(self.generators.blend, whole, own, hard)
        return np.clip(as_codes(fitted), 0, 1)

    def _seen(
        self, new: FloatArray, picture: FramePicture, face: FaceObservation, place: CropPlace
    ) -> BoolArray:
        """Return (256, 256): where a drawn picture shows a face."""
        network, codes = self.generators.segment, np.clip(as_codes(new), 0, 1)
        names = network.card.labels
        wanted = [names.index(name) for name in _FACE if name in names]
        if "mouth" not in names:  # the released one looks at the same crop
            return np.isin(_scores(network.run(codes[None])[0][0]).argmax(axis=2), wanted)
        # Ours sees the whole head: the drawn crop is laid over what the plate shows around it.
        size = int(network.card.inputs[0].shape[0])
        region = region_of(face.mesh * [picture.pixel_aspect, 1.0, 1.0])
        square = region.square_from_crop(size)
        raster_from_wide = plate_from_square(square, picture.pixel_aspect)
        wide = picture.codes(picture.linear(raster_from_wide, (size, size)))
        wide_from_crop = crop_from_crop(raster_from_wide, place.raster_from_crop)
        laid = cv2.warpAffine(codes, wide_from_crop, (size, size), flags=cv2.INTER_LINEAR)
        inside = cv2.warpAffine(np.ones(SIZE, np.float32), wide_from_crop, (size, size))[..., None]
        scores = network.run((wide * (1 - inside) + laid * inside)[None])[0][0]
        label = np.isin(_scores(scores).argmax(axis=2), wanted).astype(np.float32)
        back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        return np.asarray(cv2.warpAffine(label, wide_from_crop, SIZE, flags=back) > 0.5)


def _scores(output: FloatArray) -> FloatArray:
    """Return scores as (h, w, C), whichever way round a segmenter gives them."""
    return output if output.shape[0] == output.shape[1] else np.moveaxis(output, 0, 2)
