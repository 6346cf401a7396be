"""The analysis pass: every frame of a shot observed, and the shot solved once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

import numpy as np

from faceplate.core.analysis.associate import associate
from faceplate.core.analysis.cuts import find_cuts
from faceplate.core.analysis.detect import Detector
from faceplate.core.analysis.identity import Identifier
from faceplate.core.analysis.label import CropLabeller, HeadLabeller
from faceplate.core.analysis.landmark import Landmarker
from faceplate.core.analysis.observe import (
    SKIN_LIGHT,
    FrameAnalysis,
    Observer,
    analyse_frame,
)
from faceplate.core.analysis.official import (
    DETECTORS,
    POSERS,
    SEGMENTERS,
    SEGMENTING,
    DsfdDetector,
    HopenetPoser,
    HrnetLandmarker,
    Seers,
    load_official,
    official_card,
)
from faceplate.core.analysis.picture import BRIGHTEST, finite_pixels
from faceplate.core.analysis.pose import MeshPoser
from faceplate.core.analysis.relabel import FaceHairLabeller
from faceplate.core.analysis.skin import LUMINANCE
from faceplate.core.analysis.smooth import smooth_face
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.card import ModelCard
from faceplate.core.face import FaceObservation, Origin
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry.crop import cut_windowed
from faceplate.core.io.archive import array_bytes, array_of
from faceplate.core.io.cache import Cache, key_of
from faceplate.core.io.footage import FootageReader
from faceplate.core.io.observations import observation_members, observations_in
from faceplate.core.nets.load import find_card, load_network
from faceplate.core.track import FaceTrack, ShotTrack
from faceplate.ocio.config import ColorConfig
from faceplate.ocio.network import NetworkView

OBSERVE_VERSION = 4
"""Counted up whenever a frame's observations change, so that no cache outlives its code."""

ANALYSIS_NETWORKS = (
    "face_det_full",
    "face_det_short",
    "face_mesh478",
    "face_blendshapes52",
    "face_embed",
)

SEGMENTER = "face_segment"
"""The network of ours that says what the pixels around a face show."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How a shot is analysed.

    Attributes:
        smoothing: scale of the solve's kernels, 0 (as seen) to 2.
        threads: frames observed at once; the result does not depend on it.
        cache_folder: where observations are kept, or None.
        embed: whether faces are told apart by the identity network as well as by place.
        seers: which networks find faces, landmarks and head pose, and label pixels.
    """

    smoothing: float
    threads: int
    cache_folder: Path | None
    embed: bool
    seers: Seers = Seers()


@dataclass(frozen=True, eq=False)
class FramePicture:
    """A frame as the analysis sees it; converts only the windows that are asked for.

    Attributes:
        frame: the plate's frame, in its own space.
        view: the way from that space to linear Rec.709 and to the network domain, at gain 1.
    """

    frame: Frame
    view: NetworkView

    @property
    def number(self) -> int:
        """The plate's frame number."""
        return self.frame.number

    @property
    def window(self) -> Window:
        """Where there are pixels, in the raster."""
        return self.frame.data

    @property
    def shown(self) -> Window:
        """The display window; the data window where that shows nothing."""
        shown = self.frame.display
        return self.frame.data if shown.clipped(self.frame.data).is_empty else shown

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel divided by its height."""
        return self.frame.pixel_aspect if self.frame.pixel_aspect > 0 else 1.0

    def linear(self, plate_from_crop: DoubleArray, size: tuple[int, int]) -> FloatArray:
        """Return a crop (h, w, 3) in linear Rec.709: finite, filtered, black outside."""
        scene = cut_windowed(
            lambda window: finite_pixels(self.frame, window), self.window, plate_from_crop, size
        )
        return np.clip(self.view.linear(scene), -BRIGHTEST, BRIGHTEST)

    def codes(self, linear: FloatArray) -> FloatArray:
        """Return linear Rec.709 pixels (h, w, 3) as a network sees them, 0 to 1."""
        return np.clip(self.view.encode(linear), 0, 1).astype(np.float32)


def plate_pictures(reader: FootageReader, config: ColorConfig) -> Iterator[FramePicture]:
    """Yield the frames of a plate, in order, as the analysis and its overlay see them.

    Raises:
        InputError: a frame cannot be read.
    """
    view = NetworkView(config, reader.space, 1.0)
    for number in reader.frames:
        yield FramePicture(reader.read(number), view)


def open_observer(settings: AnalysisSettings) -> Observer:
    """Load the networks of the analysis.

    Raises:
        ModelError: weights are missing, altered or unfit, or were not imported.
        DeviceError: the device is not there.
    """
    full, short, mesh, expression, identity = ANALYSIS_NETWORKS
    seers = settings.seers
    official = partial(load_official, folders=seers.folders, device=seers.device)
    own = partial(load_network, device=seers.device)
    landmarker = Landmarker(own(mesh), own(expression))
    return Observer(
        DsfdDetector(official("dsfd"))
        if seers.detector == "dsfd"
        else Detector(own(full), own(short)),
        HrnetLandmarker(landmarker, official("hrnet"))
        if seers.landmarker == "hrnet"
        else landmarker,
        open_labeller(seers),
        Identifier(own(identity)) if settings.embed else None,
        HopenetPoser(official("hopenet")) if seers.poser == "hopenet" else MeshPoser(),
    )


def open_labeller(seers: Seers) -> CropLabeller:
    """Load the network that says what the pixels around a face show.

    Raises:
        ModelError: weights are missing, altered or unfit, or were not imported.
    """
    if seers.segmenter == SEGMENTERS[1]:
        return FaceHairLabeller(load_official(SEGMENTING, seers.folders, seers.device))
    return HeadLabeller(load_network(SEGMENTER, device=seers.device))


def analysis_cards(seers: Seers) -> tuple[ModelCard, ...]:
    """Return the cards of the networks that look at a plate, the segmenter apart.

    Raises:
        ModelError: one is not there.
    """
    own = ANALYSIS_NETWORKS if seers.detector == DETECTORS[0] else ANALYSIS_NETWORKS[2:]
    kinds = (kind for kind in seers.kinds if kind != SEGMENTING)
    released = (official_card(kind, seers.folders) for kind in kinds)
    return (*map(find_card, own), *released)


def observe_frames(
    reader: FootageReader, config: ColorConfig, settings: AnalysisSettings
) -> Iterator[tuple[int, str, FrameAnalysis]]:
    """Yield number, digest and analysis of every frame of some footage, in order.

    Raises:
        InputError: a frame cannot be read.
        ModelError: weights are missing, altered or unfit.
        DiskError: the cache folder refuses.
    """
    return _Shot(reader, config, settings).analyses()


def analyse_shot(
    reader: FootageReader,
    config: ColorConfig,
    settings: AnalysisSettings,
    *,
    progress: Progress | None = None,
) -> ShotTrack:
    """Observe every frame of a plate and solve the shot.

    Args:
        reader: the whole plate. Numbers that are missing inside it are gaps.
        config: the colour configuration that knows the plate's space.
        settings: see `AnalysisSettings`.
        progress: called with the number of frames done and of all frames.

    Returns:
        Every face of the shot, the largest first; no face is an empty list of tracks.

    Raises:
        InputError: a frame cannot be read.
        ModelError: weights are missing, altered or unfit.
        DiskError: the cache folder refuses.
    """
    analyses: dict[int, FrameAnalysis] = {}
    digests: list[str] = []
    for number, digest, analysis in observe_frames(reader, config, settings):
        analyses[number] = analysis
        digests.append(f"{number}:{digest}")
        if progress is not None:
            progress(len(analyses), len(reader.frames))
    return solve_shot(
        analyses,
        smoothing=settings.smoothing,
        plate_hash=key_of(*digests),
        space=reader.space,
        pose_of_mesh=settings.seers.poser == POSERS[0],
    )


def solve_shot(
    analyses: Mapping[int, FrameAnalysis],
    *,
    smoothing: float,
    plate_hash: str,
    space: str,
    pose_of_mesh: bool = True,
) -> ShotTrack:
    """Join, fill and smooth what was observed; deterministic, and blind to the pictures."""
    cuts = find_cuts({number: a.thumbnail for number, a in analyses.items()})
    faces = associate({number: a.faces for number, a in analyses.items()}, cuts)
    # The first frame stands for the shot.
    pixel_aspect = analyses[min(analyses)].pixel_aspect if analyses else 1.0
    solved = [
        smooth_face(
            face,
            cuts,
            smoothing=smoothing,
            pixel_aspect=pixel_aspect,
            pose_of_mesh=pose_of_mesh,
        )
        for face in faces
    ]
    tracks = sorted(
        (FaceTrack(0, face, cuts) for face in solved),
        key=lambda track: (-track.mean_height, next(iter(track.observations))),
    )
    return ShotTrack(
        tracks=[FaceTrack(i, t.observations, t.cuts) for i, t in enumerate(tracks)],
        frames=tuple(sorted(analyses)),
        plate_hash=plate_hash,
        space=space,
        gain=_shot_gain([o for face in solved for o in face.values()]),
    )


def _shot_gain(faces: list[FaceObservation]) -> float:
    """Return the gain that brings the median face to the networks' middle; 1 without a face."""
    seen = [face for face in faces if face.origin is not Origin.FILLED]
    if not seen:
        return 1.0
    light = np.median([float(np.exp2(face.skin[:3]) @ LUMINANCE) for face in seen])
    return float(np.clip(SKIN_LIGHT / max(float(light), 1e-6), 2.0**-12, 2.0**12))


@dataclass(frozen=True, eq=False)
class _Shot:
    """One plate on its way through the observer."""

    reader: FootageReader
    config: ColorConfig
    settings: AnalysisSettings

    @cached_property
    def observer(self) -> Observer:
        return open_observer(self.settings)

    @cached_property
    def view(self) -> NetworkView:
        return NetworkView(self.config, self.reader.space, 1.0)

    @cached_property
    def recipe(self) -> str:
        """A key of everything but the frame that observations depend on."""
        hashes = [network.card.sha256 for network in self.observer.networks]
        # Another device rounds otherwise: what it saw is kept apart.
        hashes += [self.settings.seers.device] * (self.settings.seers.device != "cpu")
        return key_of(str(OBSERVE_VERSION), self.reader.space, self.config.cache_id, *hashes)

    def analyses(self) -> Iterator[tuple[int, str, FrameAnalysis]]:
        """Yield number, digest and analysis of every frame, in order; all reading is done here."""
        numbers = iter(self.reader.frames)
        ahead = self.settings.threads + 1  # bounds the frames that are held in memory
        with ThreadPoolExecutor(self.settings.threads) as pool:

            def begin(number: int) -> tuple[int, str, Future[FrameAnalysis]]:
                digest = self.reader.digest(number)
                return number, digest, pool.submit(self._task(number, digest))

            waiting = deque(begin(number) for number in islice(numbers, ahead))
            while waiting:
                number, digest, result = waiting.popleft()
                yield number, digest, result.result()
                waiting.extend(begin(number) for number in islice(numbers, 1))

    def _task(self, number: int, digest: str) -> Callable[[], FrameAnalysis]:
        """Return the analysis of a frame, as work to be done."""
        folder = self.settings.cache_folder
        cache = None if folder is None else Cache(folder)
        key = key_of(self.recipe, digest, str(number))
        kept = None if cache is None else _unpacked(cache.find(key))
        if kept is not None:
            return lambda: kept
        picture, observer = FramePicture(self.reader.read(number), self.view), self.observer

        def work() -> FrameAnalysis:
            analysis = analyse_frame(picture, observer)
            if cache is not None:
                cache.keep(key, _packed(analysis))
            return analysis

        return work


def _packed(analysis: FrameAnalysis) -> dict[str, bytes]:
    return observation_members(analysis.faces, "faces") | {
        "thumbnail.npy": array_bytes(analysis.thumbnail),
        "aspect.npy": array_bytes(np.array([analysis.pixel_aspect])),
    }


def _unpacked(members: dict[str, bytes] | None) -> FrameAnalysis | None:
    """Return a kept analysis, or None where there is none or it is damaged."""
    if members is None:
        return None
    try:
        return FrameAnalysis(
            faces=tuple(observations_in(members, "faces")),
            thumbnail=array_of(members["thumbnail.npy"]),
            pixel_aspect=float(array_of(members["aspect.npy"])[0]),
        )
    except (KeyError, ValueError, IndexError):
        return None
