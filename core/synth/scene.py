"""The complete description of a picture of a head, as plain numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

from faceplate.core.arrays import AnyArray
from faceplate.core.synth.backdrop import Backdrop
from faceplate.core.synth.bones import HandPose
from faceplate.core.synth.glasses import Glasses
from faceplate.core.synth.matter import Prop

Triple = tuple[float, float, float]


def triple(values: Sequence[float] | AnyArray) -> Triple:
    """Return three numbers, rounded so that they read the same wherever they were made."""
    x, y, z = (round(float(value), 4) for value in values)
    return x, y, z


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera stands to the head.

    Attributes:
        yaw, pitch, roll: of the head to the camera, degrees, signs of `HeadPose`.
        distance: from the camera to the head's middle, cm.
        height: of the face (mesh points 10 to 152, unturned), as a share of the picture's.
        middle: of the head in the picture, shares of its size.
    """

    yaw: float
    pitch: float
    roll: float
    distance: float
    height: float
    middle: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Skin:
    """How skin looks; colours are linear Rec.709 reflectance, strengths 0 to 1.

    Attributes:
        band: of the six tone bands, 0 palest.
        tone: colour of the skin.
        lips: colour of the lips.
        blush: redness of cheeks, nose and ears.
        mottle: uneven colour.
        freckles: their strength.
        shadows: darkness below and above the eyes.
        age: strength of wrinkles.
        gloss: strength of the highlights.
        pores: strength of the fine relief.
        brow_width: half width of the painted brow, cm; brow_strength: of its colour.
        stubble: strength of the painted beard.
        lipstick, eyeshadow: strength of make-up; shade: colour of the eyeshadow.
        rouge: strength of painted cheeks.
        detail: seed of blotches.
        paint: colour of paint or dirt on the face; painted: how much of it is covered.
    """

    band: int
    tone: Triple
    lips: Triple
    blush: float
    mottle: float
    freckles: float
    shadows: float
    age: float
    gloss: float
    pores: float
    brow_width: float
    brow_strength: float
    stubble: float
    lipstick: float
    eyeshadow: float
    shade: Triple
    rouge: float
    detail: int
    paint: Triple = (0.0, 0.0, 0.0)
    painted: float = 0.0


@dataclass(frozen=True, slots=True)
class Eyes:
    """How eyes look.

    Attributes:
        iris, rim: colours of the iris and its rim.
        size: angle of the iris seen from the middle of the eyeball, radians.
        pupil: the same of the pupil.
        red: strength of the veins.
        lashes: length, 1 as modelled, 0 none; dark: how black, 0 to 1.
    """

    iris: Triple
    rim: Triple
    size: float
    pupil: float
    red: float
    lashes: float
    dark: float


@dataclass(frozen=True, slots=True)
class Hair:
    """How scalp hair grows and lies; cm on the neutral head.

    Attributes:
        name: of the style, "bald" has none.
        kind: of the colour, as "black", "blond", "white", "dyed".
        color, tip: reflectance at root and tip.
        hairline: height in front, at the temples, above the ears, in the nape.
        length: in front, on the crown, at the sides.
        volume: thickness of the layer.
        lift: how far strands stand off at the root, 0 flat to 1 upright.
        flow: combing direction at the front; sides and back follow it less.
        parting: x from which hair falls to both sides; 99 for none.
        gravity: how soon strands hang.
        curl: radius of the locks; turns: of a lock per cm.
        frizz: stray strands.
        clumps: how much strands gather in locks, 0 to 1.
        curtain: half width of the face that long hair leaves free.
        tied: whether hair is bound behind.
        gloss: strength of the highlights.
        strands: number; width: of one, cm.
        loose: strands that hang over the face.
        thinning: share of the crown that is bare.
        detail: seed of the strands.
    """

    name: str
    kind: str
    color: Triple
    tip: Triple
    hairline: tuple[float, float, float, float]
    length: Triple
    volume: float
    lift: float
    flow: Triple
    parting: float
    gravity: float
    curl: float
    turns: float
    frizz: float
    clumps: float
    curtain: float
    tied: bool
    gloss: float
    strands: int
    width: float
    loose: int
    thinning: float
    detail: int


@dataclass(frozen=True, slots=True)
class Beard:
    """A beard of strands.

    Attributes:
        length: cm, 0 for none; chin: how much longer it is at the chin.
        cheeks, moustache: where it grows, 0 to 1.
        color: reflectance.
        strands: number.
        curl: cm.
    """

    length: float
    chin: float
    cheeks: float
    moustache: float
    color: Triple
    strands: int
    curl: float


@dataclass(frozen=True, slots=True)
class Person:
    """Who is seen.

    Attributes:
        identity: number of the person.
        weights: of the head's identity modes.
    """

    identity: int
    weights: tuple[float, ...]
    skin: Skin
    eyes: Eyes
    hair: Hair
    beard: Beard


@dataclass(frozen=True, slots=True)
class Body:
    """Neck and shoulders.

    Attributes:
        width: half width of the shoulders, cm.
        drop: height of the shoulders below the chin, cm.
        yaw: of the body against the camera, degrees.
        neckline: height below which clothes begin, cm; collar: how far they stand up the neck.
        cloth, second: colours; stripes: per cm, 0 for plain.
    """

    width: float
    drop: float
    yaw: float
    neckline: float
    collar: float
    cloth: Triple
    second: Triple
    stripes: float


@dataclass(frozen=True, slots=True)
class Light:
    """What lights the scene; directions point to the lamp, in the camera's axes.

    Attributes:
        kind: as "studio", "sun", "overcast", "back", "gel", "dim", "environment".
        key, fill, rim: unit directions; key_color, fill_color, rim_color: light at a right angle,
            so that a white sheet sends back that much.
        softness: of the key's shadow, 0 to 1.
        above, below, aside: light from the sky, the ground, and the difference of left and right.
        environment: number of the environment map, -1 for none.
        turn: of the map about the vertical, degrees; exposure: factor on it.
        dapple: strength, texels per cm and shift of a pattern in the key's light.
    """

    kind: str
    key: Triple
    key_color: Triple
    fill: Triple
    fill_color: Triple
    rim: Triple
    rim_color: Triple
    softness: float
    above: Triple
    below: Triple
    aside: Triple
    environment: int
    turn: float
    exposure: float
    dapple: Triple = (0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another person in the picture.

    Attributes:
        pose: yaw, pitch, roll in degrees.
        place: of the head's middle from that of the scene's head, in the camera's axes, cm; who
            is nearer to the camera (z above 0) is an occluder, who is farther is background.
    """

    person: Person
    expression: tuple[float, ...]
    gaze: tuple[float, float]
    pose: Triple
    body: Body
    place: Triple


@dataclass(frozen=True, slots=True)
class HeadScene:
    """Everything that a picture is made of.

    Attributes:
        seed: what it was sampled from.
        expression: (53,) weights of ICT-FaceKit's expressions.
        gaze: degrees in the head, + to the person's left, + up.
        hands: on or before the face.
        glasses: worn, or None.
        worn: hats, masks, scarves, headphones.
        props: what hangs or stands before the face, placed in the camera's axes.
        tags: what is to be seen.
        neighbours: other persons.
    """

    seed: int
    person: Person
    expression: tuple[float, ...]
    gaze: tuple[float, float]
    view: View
    body: Body
    light: Light
    backdrop: Backdrop
    hands: tuple[HandPose, ...]
    glasses: Glasses | None
    worn: tuple[Prop, ...]
    props: tuple[Prop, ...]
    tags: tuple[str, ...]
    neighbours: tuple[Neighbour, ...] = ()

    def json(self) -> str:
        """Return the description as one line of JSON, the same for the same scene.

        What has a default and keeps it is left out, so that a scene that was described before
        there was such a thing keeps its text.
        """
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"))


def _plain(value: object) -> object:
    """Return a description as dictionaries and lists, without what keeps its default."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
