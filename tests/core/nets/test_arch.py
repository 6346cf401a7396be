"""Architecture texts: read by a grammar that knows calls and literals and nothing else."""

from __future__ import annotations

import builtins
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.arch import Architecture, parse_architecture

RELEASED = "res_unet.MultiScaleResUNet(in_nc=101,out_nc=3,flat_layers=(2,2,2,2),ngf=128)"


@pytest.mark.parametrize(
    ("text", "module", "name", "arguments"),
    [
        (
            RELEASED,
            "res_unet",
            "MultiScaleResUNet",
            {"in_nc": 101, "out_nc": 3, "flat_layers": (2, 2, 2, 2), "ngf": 128},
        ),
        (
            " fsgan.models.simple_unet_02.UNet( num_classes = 3, in_channels=3,feature_scale=1 ) ",
            "simple_unet_02",
            "UNet",
            {"num_classes": 3, "in_channels": 3, "feature_scale": 1},
        ),
        ("hrnet.hrnet_wflw()", "hrnet", "hrnet_wflw", {}),
        ("a.B(x=-1.5e-3,y=True,z=(3,),w=(),)", "a", "B", {"x": -0.0015, "y": True, "z": (3,)}),
        ("a.B(x=((1,2),(3,(4,))),y=(1),z=False)", "a", "B", {"x": ((1, 2), (3, (4,))), "y": 1}),
    ],
)
def test_a_released_text_is_read(
    text: str, module: str, name: str, arguments: dict[str, object]
) -> None:
    found = parse_architecture(text)

    assert (found.module, found.name) == (module, name)
    assert found.arguments.items() >= arguments.items()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "B(x=1)",
        "a.B",
        "a.B(",
        "a.B(1)",
        "a.B(x)",
        "a.B(x=1",
        "a.B(x=1))",
        "a.B(x=1) ; import os",
        "a.B(x=1)\nimport os",
        "a.B(x=1 y=2)",
        "a.B(x=1,,y=2)",
        "a.B(x=1,x=2)",
        "a.B(x=None)",
        "a.B(x='text')",
        'a.B(x="text")',
        "a.B(x=[1])",
        "a.B(x={})",
        "a.B(x=nn.ReLU)",
        "a.B(x=c.D())",
        "a.B(x=(1).__class__)",
        "a.B(x=9**9**9)",
        "a.B(x=1+1)",
        "a.B(x=lambda: 0)",
        "a.B(x=0x10)",
        "a.B(x=1_000)",
        "a.B(x=1j)",
        "a.B(x=1e999)",
        "a.B(x=" + "9" * 30 + ")",
        "a.B(x=\uff11)",
        "a.B(\uff58=1)",
        "a.B(x=" + "(" * 200 + "1" + ",)" * 200 + ")",
        "a.B(" + "x=1," * 100_000 + ")",
        "__import__('os').system('touch {mark}')",
        "a.B(x=__import__('os').system('touch {mark}'))",
        "os.system('touch {mark}')",
        "a.B(x=open('{mark}','w'))",
        "a.B(*[open('{mark}','w')])",
    ],
)
def test_anything_else_is_refused_and_nothing_happens(
    text: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    mark = tmp_path / "mark"
    for place, name in ((builtins, "eval"), (builtins, "exec"), (builtins, "compile")):
        monkeypatch.setattr(place, name, lambda *_: pytest.fail("it was evaluated"))
    monkeypatch.setattr(os, "system", lambda _: pytest.fail("it was run"))

    with pytest.raises(ModelMismatchError, match="cannot be read"):
        parse_architecture(text.replace("{mark}", str(mark)))

    assert not mark.exists()


SCALARS = (
    st.integers(-(10**17), 10**17) | st.booleans() | st.integers(-999, 999).map(lambda n: n / 8)
)
ROWS = st.lists(SCALARS, max_size=3).map(tuple)
LITERALS = SCALARS | ROWS | st.lists(SCALARS | ROWS, max_size=3).map(tuple)
NAMES = st.from_regex(r"\A[a-zA-Z_][a-zA-Z0-9_]{0,8}\Z")


@given(NAMES, NAMES, st.dictionaries(NAMES, LITERALS, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_python_writes_of_literals_is_read_back(
    module: str, name: str, arguments: dict[str, object]
) -> None:
    text = f"{module}.{name}({', '.join(f'{key}={v!r}' for key, v in arguments.items())})"

    found = parse_architecture(text)

    assert found == Architecture(module, name, arguments)  # type: ignore[arg-type]
    assert repr(found.arguments) == repr(arguments)  # True is 1, but not the same


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    try:
        parse_architecture(text)
    except ModelMismatchError as error:
        assert "cannot be read" in str(error)
