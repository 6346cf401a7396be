"""The face, as it is wired: track, matte, reenact, complete, blend, swap; train and measure."""

from __future__ import annotations

from faceplate.nodes.footage import LAYERS_KNOB
from faceplate.nodes.node import (
    ChoiceKnob,
    IntegerKnob,
    Kind,
    Knob,
    Node,
    NumberKnob,
    Port,
    TextKnob,
)

SEED: Knob = IntegerKnob("seed", 0, 0, 2**31 - 1, help="Seed of everything random.")

METHOD: Knob = ChoiceKnob(
    "method",
    "warp",
    ("warp", "hybrid", "fsgan"),
    help="How the new face is made: warped, or drawn by FSGAN's networks (fsgan; the released ones "
    "take 14 s of a core for a frame); hybrid needs networks that this release lacks.",
)
WEIGHTS: Knob = TextKnob(
    "weights",
    "small",
    help="Networks of the method fsgan: small (ours), official (FSGAN's, once imported), or what "
    "the names of your models begin with.",
)
SMOOTHING: Knob = NumberKnob(
    "smoothing", 1.0, 0.0, 2.0, keyed=False, help="Scale of the kernels that steady the track."
)
ERODE: Knob = NumberKnob(
    "erode", 0.0, -64.0, 64.0, unit="px", help="Move the matte's edge in (+) or out (-)."
)

REENACT_KNOBS: tuple[Knob, ...] = (
    NumberKnob("shape", 0.3, 0.0, 1.0, help="0: the plate face's proportions, 1: the source's."),
    NumberKnob("expression", 1.0, 0.0, 2.0, help="Gain of the plate's expression."),
    ChoiceKnob(
        "pose",
        "full",
        ("full", "pose-only", "expression-only"),
        help="What of the plate's performance drives the face.",
    ),
    IntegerKnob("views", 3, 1, 3, help="Source views mixed in one frame."),
    IntegerKnob(
        "steps",
        1,
        1,
        3,
        help="Most passes from a view to a far pose, in the method fsgan; 1 as released.",
    ),
    ChoiceKnob("eyes", "auto", ("auto", "source", "plate"), help="Whose eyes."),
    ChoiceKnob("mouth", "auto", ("auto", "source", "plate"), help="Whose mouth interior."),
)

BLEND_KNOBS: tuple[Knob, ...] = (
    NumberKnob(
        "feather",
        12.0,
        0.0,
        128.0,
        unit="px",
        help="Width of the soft edge at 400 px face height; scales with the face.",
    ),
    NumberKnob("light", 1.0, 0.0, 1.0, help="Strength of the light transfer."),
    NumberKnob("seam", 1.0, 0.0, 1.0, help="Strength of the gradient-domain seam."),
    NumberKnob(
        "sharpness",
        "auto",
        0.0,
        64.0,
        unit="px",
        words=("auto",),
        help="Blur given to the face; auto matches the plate's defocus.",
    ),
    NumberKnob(
        "motion_blur",
        "auto",
        0.0,
        720.0,
        unit="degrees",
        words=("auto",),
        help="Shutter angle of the motion blur; auto matches the plate.",
    ),
    NumberKnob("grain", 1.0, 0.0, 2.0, help="Amount of the plate's measured grain."),
)

RENDER_KNOBS: tuple[Knob, ...] = (
    NumberKnob("mix", 1.0, 0.0, 1.0, help="Amount of the replacement."),
    NumberKnob("confidence", 0.3, 0.0, 1.0, help="Below it the policy applies."),
    ChoiceKnob(
        "policy", "pass", ("pass", "hold", "fail"), help="What a frame without a usable face gets."
    ),
    ChoiceKnob(
        "missing", "error", ("error", "skip", "slate"), help="What a missing plate frame gets."
    ),
)

FACE_TRACK = Node(
    name="FaceTrack",
    summary="Find the faces of the whole plate and follow them.",
    inputs=(Port("plate", Kind.IMAGE),),
    outputs=(Port("track", Kind.TRACK),),
    knobs=(SMOOTHING, SEED),
)

FACE_MATTE = Node(
    name="FaceMatte",
    summary="Cut the visible face from hair, hands and props.",
    inputs=(Port("plate", Kind.IMAGE), Port("track", Kind.TRACK)),
    outputs=(Port("matte", Kind.MATTE),),
    knobs=(ERODE, SEED),
)

FACE_REENACT = Node(
    name="FaceReenact",
    summary="Give the source's face the plate's pose and expression.",
    inputs=(
        Port("plate", Kind.IMAGE),
        Port("track", Kind.TRACK),
        Port("actor", Kind.ACTOR),
    ),
    outputs=(Port("face", Kind.FACE),),
    knobs=(METHOD, WEIGHTS, *REENACT_KNOBS, SEED),
)

FACE_COMPLETE = Node(
    name="FaceComplete",
    summary="Fill what is hidden or missing in the new face.",
    inputs=(Port("face", Kind.FACE), Port("matte", Kind.MATTE)),
    outputs=(Port("face", Kind.FACE),),
    knobs=(SEED,),
)

FACE_BLEND = Node(
    name="FaceBlend",
    summary="Match light, focus, blur and grain, and put the face into the plate.",
    inputs=(
        Port("plate", Kind.IMAGE),
        Port("face", Kind.FACE),
        Port("matte", Kind.MATTE),
    ),
    outputs=(Port("comp", Kind.IMAGE),),
    knobs=(ERODE, *BLEND_KNOBS, *RENDER_KNOBS, LAYERS_KNOB, SEED),
)

FACE_SWAP = Node(
    name="FaceSwap",
    summary="Track, matte, reenact, complete and blend in one node.",
    inputs=(
        Port("plate", Kind.IMAGE),
        Port("actor", Kind.ACTOR),
        Port("track", Kind.TRACK, optional=True),
        Port("matte", Kind.MATTE, optional=True),
    ),
    outputs=(Port("comp", Kind.IMAGE),),
    knobs=(
        METHOD,
        WEIGHTS,
        *REENACT_KNOBS,
        ERODE,
        *BLEND_KNOBS,
        *RENDER_KNOBS,
        SMOOTHING,
        LAYERS_KNOB,
        SEED,
    ),
)

TRAIN_IDENTITY = Node(
    name="TrainIdentity",
    summary="Teach the networks of the method fsgan one actor's face, before they draw it.",
    inputs=(Port("actor", Kind.ACTOR),),
    outputs=(Port("actor", Kind.ACTOR),),
    knobs=(
        WEIGHTS,
        IntegerKnob(
            "samples",
            800,
            3,
            20000,
            help="Pairs of the actor's views to learn from, three a step; 800 as released.",
        ),
        SEED,
    ),
)


def _limit(name: str, default: float, high: float, unit: str, help: str) -> Knob:
    return NumberKnob(name, default, 0.0, high, help=help, unit=unit, keyed=False)


def _count(name: str, help: str) -> Knob:
    return IntegerKnob(name, 0, 0, 2**31 - 1, help=help)


LIMIT_KNOBS: tuple[Knob, ...] = (
    _limit(
        "identity_most",
        0.6,
        2.0,
        "",
        "Largest distance to the actor's identity; dlib calls below 0.6 the same person.",
    ),
    _limit("drift_most", 0.2, 2.0, "", "Most that this distance may wander over the shot."),
    _limit("pose_most", 5.0, 180.0, "degrees", "Largest head-pose error against the plate."),
    _limit(
        "landmarks_most",
        4.0,
        100.0,
        "% of eye distance",
        "How far the face's points may leave the plate's.",
    ),
    _limit(
        "expression_most",
        0.6,
        10.0,
        "coefficients",
        "Largest distance of the expression from the plate's.",
    ),
    _limit(
        "jitter_most",
        1.5,
        100.0,
        "px",
        "How much more the face may tremble than the plate's, at 400 px face height.",
    ),
    _limit("lag_most", 0.5, 4.0, "frames", "How late, or early, the performance may be."),
    _limit(
        "seam_most",
        0.3,
        10.0,
        "stops",
        "Strongest break of light at the matte's edge, beyond the plate's own.",
    ),
    _limit("grain_least", 0.6, 10.0, "x plate", "Least grain of the face, of the plate's."),
    _limit("grain_most", 1.6, 10.0, "x plate", "Most grain of the face, of the plate's."),
    _limit("flicker_most", 0.1, 10.0, "stops", "Strongest flicker of the face's light."),
    _limit(
        "chatter_most",
        3.0,
        100.0,
        "% of the matte",
        "Most of the matte that may come or go for a single frame.",
    ),
    _limit("leak_most", 5.0, 100.0, "%", "Most of what covers the face that may be replaced."),
    _count("altered_most", "Pixels outside the matte that may differ from the plate."),
    _count("lost_most", "Frames in which the comp may show no face where the plate does."),
    _count("missing_most", "Frames that the comp may lack."),
    _count("duplicates_most", "Frames that may show the one before again."),
)
"""A shot passes a limit when it measures more; of grain_least, when it measures less."""

FACE_QC = Node(
    name="FaceQC",
    summary="Measure a finished shot against its plate, and hold it to limits.",
    inputs=(
        Port("plate", Kind.IMAGE),
        Port("comp", Kind.IMAGE),
        Port("track", Kind.TRACK, optional=True),
        Port("actor", Kind.ACTOR, optional=True),
    ),
    outputs=(Port("report", Kind.REPORT),),
    knobs=(*LIMIT_KNOBS, SEED),
)
