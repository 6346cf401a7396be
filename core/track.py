"""`FaceTrack`: one face over a shot, after the solve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from faceplate.core.errors import TrackError
from faceplate.core.face import FaceObservation


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One face over a shot.

    Attributes:
        index: 0 for the largest face of the shot, then by size.
        observations: frame number to the smoothed face; frames without it are absent.
        cuts: frame numbers at which a new camera set-up begins.
    """

    index: int
    observations: Mapping[int, FaceObservation]
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the mapping, in frame order."""
        ordered = {n: self.observations[n] for n in sorted(self.observations)}
        object.__setattr__(self, "observations", MappingProxyType(ordered))

    def at(self, number: int) -> FaceObservation | None:
        """Return the face in a frame, or None: then the plate passes through."""
        return self.observations.get(number)

    def around(self, number: int, reach: int) -> list[FaceObservation]:
        """Return the faces of the frames within ``reach`` of ``number``, in the same set-up."""
        return [
            found
            for n in range(number - reach, number + reach + 1)
            if (found := self.at(n)) is not None and not self.is_cut_between(number, n)
        ]

    def is_cut_between(self, a: int, b: int) -> bool:
        """Return whether a new camera set-up begins between two frames, in either order."""
        return any(min(a, b) < cut <= max(a, b) for cut in self.cuts)

    @property
    def mean_height(self) -> float:
        """Mean height of the face in raster pixels."""
        return sum(o.height for o in self.observations.values()) / max(len(self.observations), 1)


@dataclass(frozen=True, slots=True, eq=False)
class ShotTrack:
    """Every face of a shot, with what the whole plate says.

    Attributes:
        tracks: the faces, largest first; empty when no face was found.
        frames: the frame numbers that were analysed.
        plate_hash: hash of the analysed files' contents, hexadecimal.
        space: OCIO name of the plate's colour space.
        gain: exposure gain that brings the faces to the network's middle grey.
    """

    tracks: Sequence[FaceTrack]
    frames: tuple[int, ...]
    plate_hash: str
    space: str
    gain: float

    def face(self, index: int) -> FaceTrack:
        """Return the face with an index.

        Raises:
            TrackError: there is no such face.
        """
        for track in self.tracks:
            if track.index == index:
                return track
        raise TrackError(
            f"The plate has no face number {index}; {len(self.tracks)} were tracked.",
            hint="Look at the track's overlay movie for the numbers of the faces.",
            index=index,
            count=len(self.tracks),
        )
