"""The quick dataclasses are dataclasses: the same constructor, equality, hash, text, copies and refusals."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from pricelang.plain import dataclass
from pricelang.plain import field


@dataclass(frozen=True, slots=True)
class Quick:
    """A frozen one."""

    name: str
    number: int = 3
    many: tuple[int, ...] = field(default=())
    made: list[int] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True)
class Empty:
    pass


@dataclass(slots=True)
class Open:
    name: str
    seen: list[int] = field(default_factory=list)
    late: int = field(init=False, default=7)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.name)


def standard(kind: type) -> Any:
    """The same class as the standard library makes it."""
    names = {name: value for name, value in vars(Quick).items() if name == "__doc__"}
    fields: list[Any] = [(one.name, one.type, copy.copy(one)) for one in dataclasses.fields(kind)]
    return dataclasses.make_dataclass(kind.__name__, fields, namespace=names, frozen=True, slots=True)


def test_constructor_equality_hash_and_text_are_the_standard_ones() -> None:
    other = standard(Quick)
    for args, named in ((("a",), {}), (("a", 4), {"many": (1,)}), (("a",), {"made": [1]})):
        assert repr(Quick(*args, **named)) == repr(other(*args, **named))
        assert hash(Quick(*args, **named)) == hash(other(*args, **named))
    assert Quick("a") == Quick("a", 3, (), [5])
    assert Quick("a") != Quick("b")
    assert Quick("a") != ("a", 3, ())
    assert Quick("a").made is not Quick("a").made
    assert Empty() == Empty()
    assert hash(Empty()) == hash(())
    assert repr(Empty()) == "Empty()"


WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    (("a", 1, (), [], 5), {}),
    (("a",), {"none": 1}),
    (("a",), {"name": "b"}),
]


@pytest.mark.parametrize(("args", "named"), WRONG)
def test_wrong_arguments_are_refused(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Quick(*args, **named)


def test_frozen_ones_stay_as_they_are() -> None:
    one: Any = Quick("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.name
    with pytest.raises((AttributeError, TypeError)):
        one.other = 1
    assert not hasattr(one, "__dict__")


def test_the_standard_functions_know_them() -> None:
    one = Quick("a", 5)
    assert dataclasses.is_dataclass(one)
    assert dataclasses.replace(one, number=6) == Quick("a", 6)
    assert dataclasses.asdict(one) == {"name": "a", "number": 5, "many": (), "made": []}
    assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    match one:
        case Quick(name, number):
            assert (name, number) == ("a", 5)


def test_open_ones_can_be_changed() -> None:
    one = Open("abc")
    assert (one.size, one.late, one.seen) == (3, 7, [])
    one.seen.append(1)
    one.name = "x"
    assert Open("x").seen == []
    with pytest.raises(TypeError):
        hash(one)
