"""Views of one person, and of two, as the generators learn from them: cut, mirrored, exposed.

Source: the crops and pairs of the released FSGANv2 code, `fsgan.md` 2.4, 9.1 and 10.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from faceplate.core.analysis.canonical import VERTEX_COUNT
from faceplate.core.arrays import AnyArray, ByteArray, DoubleArray, FloatArray
from faceplate.core.errors import TrainingError
from faceplate.core.geometry.square import CROP_SCALE
from faceplate.core.models.geometry import wflw98_flip
from faceplate.core.synth.camera import CLEAN, CameraSettings, photograph
from faceplate.core.synth.picture import CLASSES
from faceplate.core.training.augment import face_ends, warped
from faceplate.core.training.dataset import PictureSet, Sample, open_set
from faceplate.core.training.footage import SUFFIX, ActorPictures, open_actor

FACE, MOUTH, HAIR = (CLASSES.index(name) for name in ("face", "mouth", "hair"))
FACE_LIGHT = 0.2
"""Mean light of a face as the engine exposes it, before chance has its say."""

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_FAINTEST = 1e-3
_HALF = 128
_MIRRORED = np.array([-1, 1, -1], np.float32)
"""What a mirror does to yaw, pitch and roll."""


@dataclass(frozen=True, slots=True)
class PairSettings:
    """How views are cut and paired.

    Attributes:
        zoom: standard deviation of a crop's size, in nepers; that of run time is 1.2 boxes.
        shift: of its place, shares of its side.
        turn: of the roll that is left between two views, degrees; the source is turned to the
            target's, as at run time.
        flip: chance of a mirrored pair.
        stops: standard deviation of the exposure.
        balance: of the channels' gains, in nepers.
        near: degrees of yaw and pitch over which a second view of a person gets rarer by a factor
            of e: at run time the nearest views are taken. 0 for no preference.
        camera: what the camera does besides.
    """

    zoom: float = 0.04
    shift: float = 0.02
    turn: float = 4.0
    flip: float = 0.5
    stops: float = 0.3
    balance: float = 0.04
    near: float = 30.0
    camera: CameraSettings = CLEAN


@dataclass(frozen=True, slots=True)
class Framing:
    """Where a crop lies about a face.

    Attributes:
        zoom: of its side, 1 for 1.2 times the face's box.
        turn: clockwise, degrees.
        shift: of the face's middle, shares of the side.
        mirrored: whether the crop is mirrored afterwards.
    """

    zoom: float = 1.0
    turn: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    mirrored: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A face in its crop.

    Attributes:
        linear: (h, w, 3) float32, linear Rec.709.
        coverage: (h, w, 6) uint8, 255 times the share of each class.
        points: (98, 2) float32, WFLW, 0 to 1 of the crop.
        pose: (3,) float32, yaw, pitch and roll in degrees, as they are in the crop.
    """

    linear: FloatArray
    coverage: ByteArray
    points: FloatArray
    pose: FloatArray

    @property
    def face(self) -> AnyArray:
        """Where mostly face or the open mouth is, (h, w) bool: what the generators replace."""
        return self.coverage[..., FACE].astype(np.int16) + self.coverage[..., MOUTH] >= _HALF

    @property
    def light(self) -> float:
        """The face's mean light, by its logarithm."""
        inside = self.linear[self.face] @ _LUMA
        return float(np.exp(np.log(np.maximum(inside, _FAINTEST)).mean())) if len(inside) else 1.0


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rendered pictures, and footage, counted through; can be handed to another process.

    Attributes:
        sets: what they are from.
    """

    sets: tuple[PictureSet | ActorPictures, ...]

    @property
    def digest(self) -> str:
        """A hash over all of them."""
        return sha256("".join(one.digest for one in self.sets).encode()).hexdigest()

    @property
    def performers(self) -> tuple[str, ...]:
        """Real persons among them, with the records by which they may be learnt from."""
        return tuple(one.performer for one in self.sets if isinstance(one, ActorPictures))

    def sample(self, number: int) -> Sample:
        """Return one picture."""
        for one in self.sets:
            if number < len(one):
                return one.sample(number)
            number -= len(one)
        raise IndexError(number)

    def column(self, name: str) -> AnyArray:
        """Return one array of every picture, in order."""
        return np.concatenate([one.column(name) for one in self.sets])


@dataclass(frozen=True, slots=True)
class People:
    """Pictures by person; can be handed to another process.

    Attributes:
        pictures: of everybody.
        views: the pictures of each person.
        poses: (P, 3) of every picture.
    """

    pictures: Pictures
    views: tuple[tuple[int, ...], ...]
    poses: FloatArray

    @property
    def text(self) -> str:
        """How many they are, in words for a card."""
        real = len(self.pictures.performers)
        count, whose = sum(map(len, self.views)), f"{len(self.views)} persons"
        return f"{count} views of {whose}, {f'{real} of them real' if real else 'all rendered'}"

    def pair(self, rng: np.random.Generator, near: float) -> tuple[int, int]:
        """Return two pictures of one person, the second more probably of a near pose."""
        several = [views for views in self.views if len(views) > 1]
        views = several[rng.integers(len(several))]
        first = views[rng.integers(len(views))]
        others = [view for view in views if view != first]
        return first, self._near(rng, first, others, near)

    def strangers(self, rng: np.random.Generator, tries: int) -> tuple[int, int, bool]:
        """Return pictures of two persons and whether the second is to be mirrored.

        The second is the nearest in pose of ``tries`` that were drawn, as they are or mirrored.
        """
        one = int(rng.integers(len(self.views)))
        first = self.views[one][rng.integers(len(self.views[one]))]
        best = (np.inf, first, False)
        for _ in range(tries):
            other = (one + 1 + int(rng.integers(len(self.views) - 1))) % len(self.views)
            second = self.views[other][rng.integers(len(self.views[other]))]
            for mirrored in (False, True):
                pose = self.poses[second] * (_MIRRORED if mirrored else 1)
                best = min(best, (_apart(pose, self.poses[first]), second, mirrored))
        return first, best[1], best[2]

    def view(self, number: int, framing: Framing, size_px: int) -> View:
        """Return a picture's face in its crop."""
        return cut_view(self.pictures.sample(number), self.poses[number], framing, size_px)

    def _near(
        self, rng: np.random.Generator, first: int, others: Sequence[int], near: float
    ) -> int:
        if not near:
            return others[int(rng.integers(len(others)))]
        away = np.array([_apart(self.poses[view], self.poses[first]) for view in others])
        share = np.exp(-(away - away.min()) / near)
        return others[int(rng.choice(len(others), p=share / share.sum()))]


def open_people(data: Sequence[str]) -> People:
    """Return the persons in folders of rendered pictures and in actor files.

    Raises:
        TrainingError: no set, or fewer than two persons.
        ActorError: a file that is no actor.
        ConsentError: an actor whose performer did not agree to a training.
    """
    paths = [Path(one) for one in data]
    folders = [path for path in paths if path.suffix != SUFFIX]
    actors = [open_actor(path) for path in paths if path.suffix == SUFFIX]
    rendered = [open_set(folders)] if folders or not actors else []
    pictures = Pictures((*rendered, *actors))
    found: dict[int, list[int]] = {}
    for number, person in enumerate(pictures.column("identity")):
        found.setdefault(int(person), []).append(number)
    views = tuple(tuple(numbers) for numbers in found.values())
    if len(views) < 2:
        raise TrainingError(
            "The data shows a single person; at least two are needed.",
            hint="Render more with `faceplate synth --views 4`.",
        )
    return People(pictures, views, np.asarray(pictures.column("pose"), np.float32))


def parted(people: People, holdout: float) -> tuple[People, People]:
    """Return those persons to learn from, and the share ``holdout`` of them that is kept.

    Who is kept follows from the order of the pictures, so that a set that grows keeps them.

    Raises:
        TrainingError: nobody is left on one side, or nobody has two views.
    """
    every = max(round(1 / holdout), 2) if holdout > 0 else 0
    sides = [
        tuple(
            views
            for number, views in enumerate(people.views)
            if bool(every and number % every == every - 1) is held
        )
        for held in (False, True)
    ]
    for side in sides:
        if len(side) < 2:
            raise TrainingError(
                "There are too few persons to learn from some and to judge by others.",
                hint="Render more with `faceplate synth --views 4`.",
            )
    first, second = (replace(people, views=side) for side in sides)
    return first, second


def people_of(
    data: Sequence[str], validation: Sequence[str], holdout: float, *, views: int
) -> tuple[People, People]:
    """Return the persons to learn from and those to judge by.

    Args:
        data: folders of rendered pictures, and actor files.
        validation: likewise, to judge by, or none.
        holdout: share of the persons of ``data`` that is kept where there is no ``validation``.
        views: how many of one person are needed at a time.

    Raises:
        TrainingError: no set, too few persons, or nobody with so many views.
    """
    everybody = open_people(data)
    held = (everybody, open_people(validation)) if validation else None
    sides = held or parted(everybody, holdout)
    for side in sides:
        if all(len(numbers) < views for numbers in side.views):
            raise TrainingError(
                f"Nobody in the data has {views} views.",
                hint="Render a set with `faceplate synth --views 4`.",
            )
    return sides


def cut_view(sample: Sample, pose: FloatArray, framing: Framing, size_px: int) -> View:
    """Return a face in a square of 1.2 times its box, `Framing` aside; black outside."""
    place = _place(sample, framing, size_px)
    linear, coverage, _ = warped(sample, place, size_px, mirrored=False)
    points = (sample.wflw98 @ place[:, :2].T + place[:, 2]) / size_px
    pose = np.asarray(pose, np.float32) + np.array([0, 0, framing.turn], np.float32)
    if framing.mirrored:
        linear, coverage = linear[:, ::-1], coverage[:, ::-1]
        points = (points * [-1, 1] + [1, 0])[flip_of_landmarks()]
        pose = pose * _MIRRORED
    return View(
        np.ascontiguousarray(linear),
        np.ascontiguousarray(coverage),
        points.astype(np.float32),
        pose,
    )


def _place(sample: Sample, framing: Framing, size_px: int) -> DoubleArray:
    """Return the (2, 3) similarity from picture to crop pixels."""
    if sample.mesh478 is None:
        points = np.concatenate([sample.wflw98, np.stack(face_ends(sample))])
    else:
        points = np.asarray(sample.mesh478[:VERTEX_COUNT], np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    side = CROP_SCALE * float((high - low).max()) * framing.zoom
    angle = np.radians(framing.turn)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn * (size_px / max(side, 1.0))
    goal = size_px * (0.5 + np.array(framing.shift))
    return np.column_stack([turn, goal - turn @ ((low + high) / 2)])


def framing_of(
    rng: np.random.Generator, settings: PairSettings, *, turn: float = 0.0, mirrored: bool = False
) -> Framing:
    """Return a crop near that of run time, as chance would have it."""
    across, down = rng.normal(0, settings.shift, 2)
    return Framing(
        zoom=float(np.exp(rng.normal(0, settings.zoom))),
        turn=turn,
        shift=(float(across), float(down)),
        mirrored=mirrored,
    )


def cut_pair(
    people: People,
    pair: tuple[int, int],
    rng: np.random.Generator,
    settings: PairSettings,
    size_px: int,
) -> tuple[View, View]:
    """Return two views of one person, the first turned to the roll of the second."""
    source, target = pair
    mirrored = bool(rng.random() < settings.flip)
    level = float(people.poses[target][2] - people.poses[source][2])
    turns = (level + rng.normal(0, settings.turn), 0.0)
    first, second = (
        people.view(number, framing_of(rng, settings, turn=float(turn), mirrored=mirrored), size_px)
        for number, turn in zip(pair, turns, strict=True)
    )
    return first, second


def exposed(
    views: Sequence[View], rng: np.random.Generator, settings: PairSettings, by: int = -1
) -> list[ByteArray]:
    """Return the codes of views under one exposure, which the face of one of them decides.

    Args:
        views: what is seen.
        rng: decides on exposure, balance and the camera.
        settings: how far chance goes.
        by: the view whose face is metered.
    """
    gain = FACE_LIGHT / views[by].light * 2.0 ** rng.normal(0, settings.stops)
    gains = (gain * np.exp(rng.normal(0, settings.balance, 3))).astype(np.float32)
    return [photograph(view.linear * gains, rng, settings.camera) for view in views]


def stacked(rows: Sequence[Mapping[str, AnyArray]]) -> dict[str, AnyArray]:
    """Return a batch of rows of the same names."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


@cache
def flip_of_landmarks() -> AnyArray:
    """Return which WFLW point is which in a mirror, (98,)."""
    return wflw98_flip()


def _apart(one: AnyArray, other: AnyArray) -> float:
    """Return the degrees of yaw and pitch between two poses."""
    return float(np.hypot(one[0] - other[0], one[1] - other[1]))
