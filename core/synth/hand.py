"""Hands with jointed fingers, on the face, under it and in the air before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.synth.gesture import GESTURES, Gesture
from faceplate.core.synth.props import held_prop
from faceplate.core.synth.shapes import clearance, unit
from faceplate.core.synth.solid import OCCLUDER, Solid
from faceplate.core.synth.surface import Body, cone

_CELL = 0.34
"""Grid of the hand's mesh, cm; a finger is 1.6 cm thick."""

# Of a right hand of 18.5 cm, lying palm up: x to the thumb, y to the fingertips, z out of the palm.
_KNUCKLES = np.array([[2.9, 8.7, -0.15], [0.95, 9.1, -0.3], [-1.0, 8.7, -0.2], [-2.8, 7.8, 0.0]])
_PHALANGES = np.array([[4.3, 2.5, 1.75], [4.8, 2.9, 1.85], [4.4, 2.7, 1.85], [3.5, 2.0, 1.6]])
_RADII = np.array(
    [
        [1.04, 0.93, 0.82, 0.64],
        [1.06, 0.95, 0.83, 0.66],
        [1.02, 0.9, 0.78, 0.62],
        [0.9, 0.78, 0.68, 0.55],
    ]
)
_THUMB_ROOT = np.array([2.0, 1.9, 0.35])
_THUMB = np.array([4.5, 3.3, 2.4])
_THUMB_RADII = np.array([1.5, 1.15, 1.06, 0.8])
_SPREAD = np.array([-6.0, -1.0, 5.0, 12.0])
"""Degrees by which the fingers fan out when a hand lies at rest; + towards the little finger."""


@dataclass(frozen=True, slots=True)
class HandPose:
    """One hand (or two) as plain numbers: cm, degrees, linear reflectance.

    Attributes:
        gesture: what it does, a name of ``GESTURES``.
        left: whether it is a left hand.
        size: of the hand, 1 for 18.5 cm.
        fingers: index to little: bend at knuckle, middle and end joint.
        spread: index to little, added to the fan at rest, + towards the little finger.
        thumb: opposition 0 (beside the palm) to 1 (before it), bend at its three joints.
        wrist: bend of the hand towards the palm, and towards the thumb.
        target: point of the head that is touched, head space.
        outward: direction from that point away from the head.
        contact: which part of the hand touches.
        facing: what looks at the head: "palm", "back", or "edge" (little-finger side).
        turn: direction of the fingers around ``outward``, 0 up, + towards the person's left.
        tilt: fingertips away from the head.
        gap: between hand and head; below 0 presses in.
        tone: of the skin, (3,).
        nail: of the nails, (3,).
        sleeve: where it begins, cm above the wrist; 99 for a bare arm.
        cloth: of the sleeve, (3,).
        held: a prop's name, or "".
        twin: whether the other hand does the same on the other side.
        detail: seed of veins, spots and of the prop.
    """

    gesture: str
    left: bool
    size: float
    fingers: tuple[tuple[float, float, float], ...]
    spread: tuple[float, ...]
    thumb: tuple[float, float, float, float]
    wrist: tuple[float, float]
    target: tuple[float, float, float]
    outward: tuple[float, float, float]
    contact: str
    facing: str
    turn: float
    tilt: float
    gap: float
    tone: tuple[float, float, float]
    nail: tuple[float, float, float]
    sleeve: float
    cloth: tuple[float, float, float]
    held: str
    twin: bool
    detail: int


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """Where a right hand's joints are, in its own frame, cm.

    Attributes:
        fingers: (4, 4, 3) knuckle, middle joint, end joint and tip of index to little finger.
        backs: (4, 3, 3) unit vectors out of the back of each phalanx.
        thumb: (4, 3) root, knuckle, end joint and tip.
        thumb_backs: (3, 3) unit vectors out of the back of each of its bones.
        elbow: (3,).
    """

    fingers: DoubleArray
    backs: DoubleArray
    thumb: DoubleArray
    thumb_backs: DoubleArray
    elbow: DoubleArray


def skeleton(pose: HandPose) -> Skeleton:
    """Return the joints of a pose; bones keep their lengths whatever the angles are."""
    size = pose.size
    joints, backs = np.zeros((4, 4, 3)), np.zeros((4, 3, 3))
    for finger in range(4):
        joints[finger, 0] = _KNUCKLES[finger] * size
        fan = _SPREAD[finger] + pose.spread[finger]
        bend = 0.0
        # A bent finger cannot fan out: its ligaments are tight.
        fan *= 1 - 0.7 * min(max(pose.fingers[finger][0], 0) / 80, 1)
        side = _turn("z", fan)
        for bone in range(3):
            bend += pose.fingers[finger][bone]
            along = side @ _turn("x", bend)
            backs[finger, bone] = along @ [0, 0, -1]
            step = along @ [0, _PHALANGES[finger, bone] * size, 0]
            joints[finger, bone + 1] = joints[finger, bone] + step
    thumb, thumb_backs = _thumb(pose)
    bend, aside = pose.wrist
    arm = _turn("z", aside) @ _turn("x", -bend) @ [0, -26 * size, 0]
    return Skeleton(joints, backs, thumb, thumb_backs, arm)


def _thumb(pose: HandPose) -> tuple[DoubleArray, DoubleArray]:
    opposition, *bends = pose.thumb
    along = unit(
        (1 - opposition) * np.array([0.8, 0.6, 0.1]) + opposition * np.array([0.28, 0.62, 0.8])
    )
    axis = np.array([-0.25 * opposition, 0.15, 1.0])
    axis = unit(axis - along * (axis @ along))
    points = [_THUMB_ROOT * pose.size]
    backs = []
    for bone, bend in enumerate(bends):
        along = _about(axis, bend) @ along
        points.append(points[-1] + along * _THUMB[bone] * pose.size)
        backs.append(-np.cross(axis, along))
    return np.array(points), np.array(backs)


def make_hand(pose: HandPose, head: FloatArray | None = None) -> list[Solid]:
    """Return the solids of a pose in head space: skin, then nails' gloss, sleeve and prop.

    Args:
        head: (V, 3) the head's vertices, which the hand is laid against; a plain egg when not
            given.
    """
    surface = _egg() if head is None else head
    solids = _placed(pose, surface)
    if pose.twin:
        x, y, z = pose.target
        u, v, w = pose.outward
        other = replace(
            pose,
            left=not pose.left,
            target=(-x - 0.6, y + 0.5, z),
            outward=(-u, v, w),
            turn=-pose.turn + 4,
            gap=pose.gap + 0.3,
            held="",
        )
        solids += _placed(other, surface)
    return solids


def _placed(pose: HandPose, surface: FloatArray) -> list[Solid]:
    bones = skeleton(pose)
    solids = [_skin(pose, bones)]
    if pose.sleeve < 20:
        solids.append(_sleeve(pose, bones))
    if pose.held:
        solids += [part for part in held_prop(pose.held, pose.detail, bones.fingers, bones.thumb)]
    outward = unit(np.array(pose.outward))
    rotation = _orientation(pose, outward)
    mirror = np.diag([-1.0 if pose.left else 1.0, 1, 1])
    offset = np.array(pose.target) - rotation @ mirror @ _contact_point(pose, bones)
    placed = [_carried(solid, mirror, rotation, offset) for solid in solids]
    points = np.concatenate([solid.vertices for solid in placed])
    shift = clearance(points, surface, outward) + pose.gap
    return [solid.moved(np.eye(3), outward * shift) for solid in placed]


def _carried(
    solid: Solid, mirror: DoubleArray, rotation: DoubleArray, offset: DoubleArray
) -> Solid:
    if mirror[0, 0] < 0:
        flipped = np.ascontiguousarray(solid.triangles[:, ::-1])
        solid = replace(solid, triangles=flipped)
    return solid.moved(rotation @ mirror, offset)


def _orientation(pose: HandPose, outward: DoubleArray) -> DoubleArray:
    """Return the rotation from the hand's own frame to head space."""
    up = np.array([0.0, 1.0, 0.0]) if abs(outward[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
    up = unit(up - outward * (up @ outward))
    left = np.cross(up, outward)
    angle = np.radians(pose.turn)
    fingers = np.cos(angle) * up + np.sin(angle) * left
    tilt = np.radians(pose.tilt)
    normal = -outward
    fingers, normal = (
        np.cos(tilt) * fingers + np.sin(tilt) * outward,
        np.cos(tilt) * normal + np.sin(tilt) * fingers,
    )
    if pose.facing == "back":
        normal = -normal
    if pose.facing == "edge":
        normal = np.cross(normal, fingers) * (-1 if pose.left else 1)
    return np.stack([np.cross(fingers, normal), fingers, normal], 1)


def _contact_point(pose: HandPose, bones: Skeleton) -> DoubleArray:
    if pose.contact == "index":
        return bones.fingers[0, 3]
    if pose.contact == "tips":
        return bones.fingers[:3, 3].mean(0)
    if pose.contact == "fingers":
        return bones.fingers[:, 1:3].mean((0, 1))
    if pose.contact == "knuckles":
        return bones.fingers[:, :2].mean((0, 1))
    return np.array([0.0, 5.5, 0.0]) * pose.size


def _skin(pose: HandPose, bones: Skeleton) -> Solid:
    size = pose.size
    palm = _palm(bones, size)
    limbs = [
        [
            cone(points[bone], points[bone + 1], radii[bone] * size, radii[bone + 1] * size)
            for bone in range(3)
        ]
        for points, radii in zip(
            [*bones.fingers, bones.thumb], [*_RADII, _THUMB_RADII], strict=True
        )
    ]
    body = Body([*palm, *(row for limb in limbs for row in limb)], _CELL * size)
    body.add(palm, 1.3 * size)
    for limb in limbs[:4]:
        body.grow(limb, 0.25, 0.8 * size, 2.2 * size)
    body.grow(limbs[4], 0.3, 1.4 * size, 5.0 * size)
    vertices, triangles = body.mesh()
    normals = body.normals(vertices)
    albedo = _paint(pose, bones, body, vertices, normals)
    return Solid(vertices, triangles, albedo, 0.35, OCCLUDER)


def _palm(bones: Skeleton, size: float) -> list[FloatArray]:
    rows = []
    for finger in range(4):
        knuckle = bones.fingers[finger, 0]
        root = np.array([knuckle[0] * 0.55, 1.6 * size, 0.0])
        rows.append(cone(root, knuckle, 1.2 * size, _RADII[finger, 0] * 1.02 * size))
    heel = np.array([[-2.3, 1.9, 0.5], [-2.5, 6.3, 0.2]]) * size
    rows.append(cone(heel[0], heel[1], 1.25 * size, 0.9 * size))
    along = bones.elbow / np.linalg.norm(bones.elbow)
    across = unit(np.array([1.0, 0, 0]) - along * along[0])
    for side in (-1.0, 1.0):
        wrist = across * side * size
        rows.append(cone([wrist[0] * 1.5, 2.2 * size, 0], wrist, 1.3 * size, 1.42 * size))
        middle = along * 11 * size + across * side * 1.25 * size
        rows.append(cone(wrist, middle, 1.42 * size, 2.6 * size))
        rows.append(cone(middle, bones.elbow + across * side * size, 2.6 * size, 3.1 * size))
    return rows


def _paint(
    pose: HandPose, bones: Skeleton, body: Body, vertices: FloatArray, normals: FloatArray
) -> FloatArray:
    rng = np.random.default_rng(pose.detail)
    size = pose.size
    tone = np.array(pose.tone)
    # The inner side carries little melanin, whatever the tone.
    inner = tone * 0.45 + 0.55 * np.maximum(tone, np.array([0.50, 0.29, 0.21])) * [1.0, 0.92, 0.92]
    palmar = np.clip(normals[:, 2] * 1.2, 0, 1)
    joints = np.concatenate([bones.fingers[:, :3].reshape(-1, 3), bones.thumb[1:3]])
    backs = np.concatenate([bones.backs.reshape(-1, 3), bones.thumb_backs[1:]])
    for finger in range(4):
        near = _near_segments(vertices, bones.fingers[finger], 1.3 * size)
        facing = -(normals @ bones.backs[finger].T).astype(np.float32)
        palmar = np.where(
            near >= 0, np.clip(facing[np.arange(len(near)), near] * 1.2, 0, 1), palmar
        )
    palmar = np.where(vertices[:, 1] < -1.0 * size, palmar * 0.3, palmar)[:, None]
    color = tone * (1 - palmar) + inner * palmar
    for joint, back in zip(joints, backs, strict=True):
        offset = vertices - joint
        near = np.exp(-(offset**2).sum(1) / (2 * (0.75 * size) ** 2))
        knuckle = near * np.clip(normals @ back, 0, 1)
        color = color * (1 - knuckle[:, None] * np.array([0.12, 0.3, 0.3]))
    for points in [*bones.fingers, bones.thumb]:
        blush = np.exp(-((vertices - points[3]) ** 2).sum(1) / (2 * (0.9 * size) ** 2))
        color = color * (1 - blush[:, None] * np.array([0.0, 0.16, 0.12]))
    spots = rng.normal(size=(6, 3)) * 1.3
    mottle = np.sin(vertices @ spots.T + rng.uniform(0, 6, 6)).mean(1) * 0.12
    color = color * (1 + mottle[:, None] * np.array([0.6, 1.0, 1.0]))
    open_ = body.openness(vertices, normals)[:, None]
    color = color * (0.45 + 0.55 * open_) ** np.array([0.75, 1.0, 1.0])
    tips = [*bones.fingers[:, 2:], bones.thumb[2:]]
    for (start, tip), back in zip(tips, [*bones.backs[:, 2], bones.thumb_backs[2]], strict=True):
        nail = _nail(vertices, normals, start, tip, back, size)[:, None]
        color = color * (1 - nail) + np.array(pose.nail) * nail
    return np.clip(color, 0.004, 0.95).astype(np.float32)


def _near_segments(points: FloatArray, chain: DoubleArray, radius: float) -> AnyArray:
    """Return which bone of a chain each point lies at, or -1."""
    distances = []
    for start, end in zip(chain[:-1], chain[1:], strict=True):
        step = end - start
        t = np.clip((points - start) @ step / (step @ step), 0, 1)
        distances.append(np.linalg.norm(points - start - t[:, None] * step, axis=1))
    stacked = np.stack(distances)
    return np.where(stacked.min(0) < radius, stacked.argmin(0), -1)


def _nail(
    points: FloatArray,
    normals: FloatArray,
    start: DoubleArray,
    tip: DoubleArray,
    back: DoubleArray,
    size: float,
) -> FloatArray:
    along = unit(tip - start)
    middle = tip + 0.12 * size * along + 0.42 * size * back
    offset = (points - middle) / size
    x = offset @ np.cross(along, back) / 0.52
    y = offset @ along / 0.72
    inside = np.clip((1.25 - np.sqrt(x**2 + y**2)) / 0.3, 0, 1)
    return inside * np.clip((normals @ back - 0.25) * 4, 0, 1)


def _sleeve(pose: HandPose, bones: Skeleton) -> Solid:
    rng = np.random.default_rng(pose.detail + 1)
    size = pose.size
    along = unit(bones.elbow)
    across = unit(np.array([1.0, 0, 0]) - along * along[0])
    loose = rng.uniform(0.35, 1.2)
    begin = pose.sleeve + 1.5
    stations = [begin, max(11.0, begin + 1), 29.0]
    radii = np.interp(stations, [0, 11, 26], [1.42, 2.6, 3.1]) + loose
    rows = []
    for side in (-1.15, 1.15):
        ends = [(along * station + across * side) * size for station in stations]
        for n in range(2):
            rows.append(cone(ends[n], ends[n + 1], radii[n] * size, radii[n + 1] * size))
    body = Body(rows, 0.6 * size)
    body.add(rows, 0.8)
    vertices, triangles = body.mesh()
    normals = body.normals(vertices)
    fold = rng.normal(size=(5, 3)) * [0.9, 0.5, 0.9]
    wave = np.sin(vertices @ fold.T + rng.uniform(0, 6, 5)).mean(1)
    vertices = vertices + normals * (wave * 0.25).astype(np.float32)[:, None]
    shade = 1 + 0.35 * wave
    if rng.random() < 0.3:
        stripe = np.sin(vertices @ along * rng.uniform(1.5, 5)) > 0
        shade = shade * np.where(stripe, 1, rng.uniform(0.3, 2))
    cuff = vertices @ along < (begin - radii[0] + 0.9) * size
    shade = np.where(cuff, shade * 0.8, shade)
    albedo = np.clip(np.array(pose.cloth) * shade[:, None], 0.003, 0.9)
    return Solid(vertices, triangles, albedo.astype(np.float32), 0.05, OCCLUDER)


def sample_hand(
    rng: np.random.Generator, face_tone: Sequence[float] | None = None, gesture: str | None = None
) -> HandPose:
    """Return a random hand.

    Args:
        rng: where the numbers come from.
        face_tone: (3,) the face's reflectance, which half of the hands share.
        gesture: one of ``GESTURES``; else drawn by their weights.
    """
    names = sorted(GESTURES)
    weights = np.array([GESTURES[name].weight for name in names])
    name = gesture or names[rng.choice(len(names), p=weights / weights.sum())]
    kind = GESTURES[name]
    left = bool(rng.random() < 0.5)
    side = 1.0 if left else -1.0
    target, outward = _aim(rng, kind, side)
    held = kind.held[rng.integers(len(kind.held))] if kind.held else ""
    tone = _tone(rng, face_tone)
    return HandPose(
        gesture=name,
        left=left,
        size=round(float(rng.uniform(0.82, 1.12)), 3),
        fingers=tuple(_jitter(rng, bends, kind.loose) for bends in kind.fingers),
        spread=_jitter(rng, kind.spread, 5.0),
        thumb=(
            round(float(np.clip(kind.thumb[0] + rng.normal() * 0.12, -0.1, 1.1)), 3),
            *_jitter(rng, kind.thumb[1:], kind.loose),
        ),
        wrist=(
            round(float(kind.wrist + rng.normal() * 14), 1),
            round(float(rng.normal() * 9), 1),
        ),
        target=target,
        outward=outward,
        contact=kind.contact,
        facing=kind.facing,
        turn=round(float(side * -(kind.turn + rng.normal() * kind.turn_loose)), 1),
        tilt=round(float(kind.tilt + rng.normal() * 9), 1),
        gap=round(float(_gap(rng, kind)), 2),
        tone=tone,
        nail=_nail_color(rng, tone),
        sleeve=round(float(rng.uniform(-0.5, 14)), 1) if rng.random() < 0.6 else 99.0,
        cloth=_color(rng),
        held=held,
        twin=kind.twin,
        detail=int(rng.integers(2**31)),
    )


def _aim(
    rng: np.random.Generator, kind: Gesture, side: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    x, y, z = kind.targets[rng.integers(len(kind.targets))]
    spot = np.array([x * side, y, z]) + rng.normal(size=3) * [1.2, 1.2, 0.2]
    away = unit(spot - [0, spot[1] * 0.6 + 0.5, 1.5])
    away = unit(away + rng.normal(size=3) * 0.12)
    if kind.contact == "under":
        away = unit(np.array([0.15 * side, -0.75, 0.7]) + rng.normal(size=3) * 0.12)
    return _rounded(spot), _rounded(away)


def _gap(rng: np.random.Generator, kind: Gesture) -> float:
    if kind.far > 0:
        return rng.uniform(1, kind.far)
    return rng.uniform(-0.5, 0.1) if rng.random() < 0.8 else rng.uniform(0.1, 4)


def _tone(
    rng: np.random.Generator, face_tone: Sequence[float] | None
) -> tuple[float, float, float]:
    if face_tone is not None and rng.random() < 0.5:
        return _rounded(np.array(face_tone) * rng.uniform(0.75, 1.2) * rng.uniform(0.95, 1.05, 3))
    pale, dark = np.array([0.68, 0.43, 0.33]), np.array([0.055, 0.027, 0.018])
    share = rng.random()
    tone = pale ** (1 - share) * dark**share
    return _rounded(tone * rng.uniform(0.9, 1.1, 3))


def _nail_color(
    rng: np.random.Generator, tone: tuple[float, float, float]
) -> tuple[float, float, float]:
    if rng.random() < 0.25:
        return _color(rng)
    return _rounded(np.array(tone) * 0.5 + np.array([0.33, 0.2, 0.18]))


def _color(rng: np.random.Generator) -> tuple[float, float, float]:
    grey = rng.random() ** 2 * 0.8 + 0.01
    tint = np.exp(rng.normal(size=3) * rng.choice([0.1, 0.8]))
    return _rounded(np.clip(grey * tint, 0.004, 0.85))


def _jitter(rng: np.random.Generator, values: Sequence[float], spread: float) -> tuple[float, ...]:
    return tuple(round(float(value + rng.normal() * spread), 1) for value in values)


def _rounded(values: AnyArray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in values)
    return x, y, z


def _egg() -> FloatArray:
    """Return points of a plain head: an egg with a nose."""
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 90), np.linspace(-1.5, 1.5, 60))
    ring = np.stack([np.cos(v) * np.sin(u), np.sin(v), np.cos(v) * np.cos(u)], -1).reshape(-1, 3)
    egg = ring * [7.6, 11.5, 9.0] + [0, 2, 1.5]
    nose = np.array([[0, 0.2, 12.9], [0.6, -0.2, 12.3], [-0.6, -0.2, 12.3], [0, 1.6, 12.0]])
    return np.concatenate([egg, nose]).astype(np.float32)


def _turn(axis: str, degrees: float) -> DoubleArray:
    return _about(np.array([float(axis == letter) for letter in "xyz"]), degrees)


def _about(axis: DoubleArray, degrees: float) -> DoubleArray:
    """Return the rotation about a unit axis (Rodrigues)."""
    angle = np.radians(degrees)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
