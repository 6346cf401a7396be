"""A person put into the world: shape, skin, eyes, hair, neck and shoulders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, smoothstep
from faceplate.core.synth import hair, shade, whiskers
from faceplate.core.synth.body import Throat, make_body
from faceplate.core.synth.hair import Strands
from faceplate.core.synth.head import (
    EYE_LEFT,
    EYE_RIGHT,
    GUMS,
    LID,
    SCALP,
    SOCKET,
    TEETH,
    HeadModel,
)
from faceplate.core.synth.scene import Beard, Body, Hair, Person
from faceplate.core.synth.skin import hairline_height, head_attributes, wrinkled
from faceplate.core.synth.solid import FACE, HAIR, Solid

PIVOT = np.array([0.0, -7.0, -1.0])
"""Where the neck turns, cm in head space."""
MIDDLE = np.array([0.0, 1.0, 4.0])
"""What the camera looks at, cm in head space."""
_MATERIALS = {
    SOCKET: shade.SKIN,
    LID: shade.SKIN,
    GUMS: shade.MOUTH,
    TEETH: shade.TOOTH,
    EYE_LEFT: shade.EYE,
    EYE_RIGHT: shade.EYE,
}
_COVERING, _PRESSING, _MUFFLING = {"hood", "headscarf"}, {"cap", "beanie", "hat"}, {"mask", "scarf"}
"""What hides the hair, what presses it down, and what hides a beard."""


class Figure:
    """A person in the world.

    Args:
        model: the head.
        person: who it is.
        expression: (53,) weights.
        gaze: degrees in the head, + to the person's left, + up.
        pose: yaw, pitch and roll in degrees, signs of `HeadPose`.
        body: shoulders and clothes.
        place: (3,) where the head's middle is in the world, cm.
        label: the class of everything that belongs to the person, or `shade.AUTO`.
    """

    def __init__(
        self,
        model: HeadModel,
        person: Person,
        expression: tuple[float, ...],
        gaze: tuple[float, float],
        pose: tuple[float, float, float],
        body: Body,
        place: AnyArray,
        label: int = shade.AUTO,
    ) -> None:
        self.model, self.person, self.label, self.body = model, person, label, body
        rest = model.shape(person.weights)
        if person.skin.age > 0.05:
            rest = wrinkled(model, rest, model.normals(rest), person.skin.age)
        self.rest = rest
        self.look = rotation_of(*gaze, 0.0)
        self.head = self._gazing(model.acted(rest, expression))
        self.rotation = rotation_of(*pose)
        self.body_rotation = rotation_of(body.yaw, 0.0, 0.0)
        self.neck = np.asarray(place) - (MIDDLE - PIVOT) @ self.rotation.T
        self.world = self.posed(self.head)
        self.scalp = hairline_height(model, person.hair)

    @property
    def skin(self) -> FloatArray:
        """(N, 3) the vertices that hands and props touch, head space."""
        return self.head[self.model.part <= SCALP]

    @property
    def eyeballs(self) -> FloatArray:
        """(2, 3) middles of the left and right eyeball, head space."""
        part = self.model.part
        return np.stack([eye_center(self.head[part == eye]) for eye in (EYE_LEFT, EYE_RIGHT)])

    def _gazing(self, head: FloatArray) -> FloatArray:
        """Turn the eyeballs of a head in place."""
        for eye in (EYE_LEFT, EYE_RIGHT):
            chosen = self.model.part == eye
            center = eye_center(head[chosen])
            head[chosen] = (head[chosen] - center) @ self.look.T.astype(np.float32) + center
        return head

    def posed(self, points: AnyArray) -> FloatArray:
        """Take head points to the world; the lower neck follows the body."""
        turned = (points - PIVOT) @ self.rotation.T
        fixed = (points - PIVOT) @ self.body_rotation.T
        share = smoothstep(-6.8, -12.2, points[..., 1:2] + 0.3 * points[..., 2:3])
        return (turned * (1 - share) + fixed * share + self.neck).astype(np.float32)

    def carried(self, points: AnyArray) -> FloatArray:
        """Take head points to the world rigidly with the skull."""
        shift = (self.neck - PIVOT @ self.rotation.T).astype(np.float32)
        return np.asarray(points @ self.rotation.T.astype(np.float32) + shift, np.float32)

    def worn(self, solid: Solid) -> Solid:
        """Take a solid in head space to the world rigidly with the skull."""
        return replace(solid, vertices=self.carried(solid.vertices))

    def table(self) -> FloatArray:
        """Return the head's attributes, (V, 20)."""
        model = self.model
        lower, upper = model.mesh_points[14], model.mesh_points[13]
        gap = float(np.linalg.norm(self.head[lower] - self.head[upper]))
        table = head_attributes(model, self.person, self.scalp, min(gap / 3.0, 1.0))
        table[:, shade.POSITION : shade.POSITION + 3] = self.world
        table[:, shade.NORMAL : shade.NORMAL + 3] = model.normals(self.world)
        return table

    def materials(self) -> AnyArray:
        """Return the materials of the head's triangles, (T,) int8."""
        part = self.model.part[self.model.triangles[:, 0]]
        material = np.full(len(part), shade.SKIN, np.int8)
        for index, kind in _MATERIALS.items():
            material[part == index] = kind
        return material

    def bust(self) -> list[Solid]:
        """Return bare skin and clothes below the head, in the world."""
        skin = (self.model.part <= SCALP) & self.model.used
        throat = Throat.of(self.model.neutral[skin], self.head[skin])
        parts = make_body(self.body, np.array(self.person.skin.tone), throat)
        return [
            replace(
                part,
                vertices=self.posed(part.vertices),
                label=part.label if self.label < 0 else self.label,
            )
            for part in parts
        ]

    def eyes(self) -> FloatArray:
        """Return both eyes for the shader, (2, 20)."""
        look = self.person.eyes
        turn = self.rotation @ self.look
        rows = [
            [*center, *turn[:, 2], *turn[:, 1], *look.iris, *look.rim,
             look.size, look.pupil, look.red, 1.7 * number, 0.0]
            for number, center in enumerate(self.carried(self.eyeballs))
        ]  # fmt: skip
        return np.array(rows, np.float32)

    def irises(self) -> FloatArray:
        """Return the ten iris points of the face mesh in the world, own right eye first."""
        size = self.person.eyes.size
        points = []
        for eye in (EYE_RIGHT, EYE_LEFT):
            ball = self.head[self.model.part == eye]
            center = eye_center(ball)
            radius = float(np.linalg.norm(ball - center, axis=1).max())
            across, along = radius * np.sin(size), radius * np.cos(size)
            local = [[0, 0, radius], [across, 0, along], [0, across, along],
                     [-across, 0, along], [0, -across, along]]  # fmt: skip
            points.append(np.array(local) @ self.look.T + center)
        return self.carried(np.concatenate(points))

    def strands(self, per_cm: float, kinds: set[str]) -> list[tuple[int, Strands]]:
        """Return hair, beard, brows and lashes in the world, with their classes.

        Args:
            per_cm: samples that a centimetre of the head covers.
            kinds: what is worn.
        """
        model, person, head = self.model, self.person, self.head
        detail, skin, look = person.skin.detail, person.skin, person.eyes
        normals = model.normals(head)
        found: list[tuple[int, Strands]] = []
        if person.hair.strands:
            # A strand cannot be thinner than a sample: fewer strands stand for the finer ones.
            keep = float(np.clip(1.2 * person.hair.width * per_cm, 0.4, 1.0))
            pull = np.array([0.0, -1.0, 0.0]) @ self.rotation
            style, rest = pressed(person.hair, kinds), self.rest
            grown = hair.grow_hair(model, rest, model.normals(rest), self.scalp, style, pull, keep)
            found.append((HAIR, grown))
        beard = covered(person.beard, kinds)
        if beard.length > 0.0:
            found.append((FACE, whiskers.grow_beard(model, head, normals, beard, detail + 1)))
        count = int(400 * skin.brow_strength)
        if count:
            tint = whiskers.brow_color(person.hair.color, skin.tone)
            wide = skin.brow_width
            grown = whiskers.grow_brows(model, head, normals, wide, tint, count, detail + 2)
            found.append((FACE, grown))
        if look.lashes > 0.0 and len(model.lashes):
            thin = float(np.clip(0.05 * per_cm, 0.25, 1.0))
            grown = whiskers.place_lashes(
                model, head, look.lashes, look.dark, skin.tone, thin, detail + 3
            )
            found.append((FACE, grown))
        return [
            (
                label if self.label < 0 else self.label,
                replace(strands, points=self.carried(strands.points)),
            )
            for label, strands in found
        ]


def rotation_of(yaw: float, pitch: float, roll: float) -> DoubleArray:
    """Return the rotation of a head pose in degrees, head to world, (3, 3)."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def eye_center(ball: FloatArray) -> FloatArray:
    """Return the middle about which an eyeball (N, 3) turns."""
    low, high = ball.min(axis=0), ball.max(axis=0)
    middle = 0.5 * (low + high)
    # The cornea bulges to the front: the ball's back and width tell its middle.
    middle[2] = low[2] + 0.5 * (high[0] - low[0])
    return np.asarray(middle)


def pressed(style: Hair, kinds: set[str]) -> Hair:
    """Return hair as it lies under what is worn."""
    x, y, z = style.length
    if kinds & _COVERING:
        short = (min(x, 2.0), min(y, 2.0), min(z, 2.0))
        return replace(style, length=short, volume=0.1, lift=0.05, curl=0.0, loose=0)
    if kinds & _PRESSING:
        short = (min(x, 3.0), y if y > 6 else min(y, 2.0), z)
        return replace(style, length=short, volume=0.2, lift=0.05, curl=min(style.curl, 0.1))
    return style


def covered(beard: Beard, kinds: set[str]) -> Beard:
    """Return a beard as a mask or scarf leaves it."""
    return replace(beard, length=0.0) if kinds & _MUFFLING else beard
