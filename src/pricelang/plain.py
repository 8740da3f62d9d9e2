"""`dataclass(slots=True)`, frozen or not: the same to its users and to type checkers, but made in a tenth of the time.

The standard one writes and compiles six functions for each class, which for the two trees takes longer than reading a
ruleset, and its module takes longer to import than a kept ruleset to load. Here the methods are shared, `__init__` is
compiled when a class makes its first instance, and the standard fields are made when somebody asks for them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
else:
    from operator import attrgetter

    _MISSING = object()

    class _Field:
        """What a class says of one of its attributes."""

        __slots__ = ("compare", "default", "factory", "init", "name", "repr", "type")

        def __init__(self, default, factory, init, repr, compare):
            self.default = default
            self.factory = factory
            self.init = init
            self.repr = repr
            self.compare = compare

    def field(*, default=_MISSING, default_factory=_MISSING, init=True, repr=True, compare=True):
        """The same as that of `dataclasses`, as far as plain classes need it."""
        return _Field(default, default_factory, init, repr, compare)

    class _Asked:
        """A class attribute of the standard dataclasses, made when it is asked for."""

        def __init__(self, make):
            self.make = make

        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, one, cls):
            owner = next(base for base in cls.__mro__ if self.name in vars(base))
            made = self.make(owner)
            setattr(owner, self.name, made)
            return made

    def dataclass(*, frozen=False, slots=False):
        """The decorator. Classes without slots are made by the standard one."""
        if not slots:
            import dataclasses

            return dataclasses.dataclass(frozen=frozen)
        return lambda cls: _made(cls, frozen)

    def _made(cls, frozen):
        fields = {one.name: one for base in reversed(cls.__mro__) for one in vars(base).get("__plain_fields__", ())}
        inherited = set(fields)
        own = vars(cls).get("__annotations__", {})
        body = dict(vars(cls))
        for name, type_ in own.items():
            given = body.pop(name, _MISSING)
            if type(given).__module__ == "dataclasses":
                raise TypeError(f"{cls.__name__}.{name}: write `from pricelang.plain import field`")
            one = given if isinstance(given, _Field) else _Field(given, _MISSING, True, True, True)
            one.name, one.type = name, type_
            fields[name] = one
        seen = None
        for one in fields.values():
            if one.init and one.default is _MISSING and one.factory is _MISSING:
                if seen is not None:
                    raise TypeError(f"non-default argument {one.name!r} follows default argument {seen!r}")
            elif one.init:
                seen = one.name
            if isinstance(one.default, list | dict | set):
                raise TypeError(f"{cls.__name__}.{one.name}: a default that can change; use default_factory")
        fields = tuple(fields.values())
        values = _values_of([one.name for one in fields if one.compare])

        def __eq__(self, other):
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):
            return hash(values(self))

        def __init__(self, *args, **named):
            cls.__init__ = _compiled_init(cls, fields)
            cls.__init__(self, *args, **named)

        body.pop("__dict__", None)
        body.pop("__weakref__", None)
        body["__slots__"] = tuple(name for name in own if name not in inherited)
        body["__doc__"] = cls.__doc__ or cls.__name__
        body["__match_args__"] = tuple(one.name for one in fields if one.init)
        body["__plain_fields__"] = fields
        body["__dataclass_fields__"] = _Asked(_standard_fields)
        body["__dataclass_params__"] = _Asked(_standard_params)
        body["_is_frozen"] = frozen
        body["__init__"] = __init__
        body["__eq__"] = __eq__
        body["__hash__"] = __hash__ if frozen else None
        body["__repr__"] = _repr
        if frozen:
            body["__setattr__"] = _no_set
            body["__delattr__"] = _no_delete
            body["__getstate__"] = _state
            body["__setstate__"] = _set_state
        qualname = cls.__qualname__
        cls = type(cls)(cls.__name__, cls.__bases__, body)
        cls.__qualname__ = qualname
        return cls

    def _standard_fields(cls):
        """The fields as `dataclasses` knows them, for `fields`, `replace` and `asdict`."""
        import dataclasses

        found = {}
        for one in cls.__plain_fields__:
            given = {"init": one.init, "repr": one.repr, "compare": one.compare}
            if one.default is not _MISSING:
                given["default"] = one.default
            elif one.factory is not _MISSING:
                given["default_factory"] = one.factory
            made = dataclasses.field(**given, kw_only=False)
            made.name, made.type, made._field_type = one.name, one.type, dataclasses._FIELD
            found[one.name] = made
        return found

    def _standard_params(cls):
        import dataclasses

        return dataclasses.dataclass(frozen=cls._is_frozen)(type("_", (), {})).__dataclass_params__

    def _values_of(names):
        """A function that gives the values of these attributes as a tuple."""
        if len(names) > 1:
            return attrgetter(*names)
        return lambda one: tuple([getattr(one, name) for name in names])

    def _compiled_init(cls, fields):
        """`__init__` as one would write it; slots are set through their descriptors, which no `__setattr__` hinders."""
        known = {}
        given, body = [], []
        for index, field in enumerate(fields):
            known[f"_set{index}"] = getattr(cls, field.name).__set__
            value = field.name
            if not field.init:
                if field.default is not _MISSING:
                    known[f"_default{index}"] = field.default
                    body.append(f" _set{index}(self, _default{index})")
                elif field.factory is not _MISSING:
                    known[f"_make{index}"] = field.factory
                    body.append(f" _set{index}(self, _make{index}())")
                continue
            if field.default is not _MISSING:
                known[f"_default{index}"] = field.default
                given.append(f"{field.name}=_default{index}")
            elif field.factory is not _MISSING:
                known[f"_make{index}"] = field.factory
                known["_missing"] = _MISSING
                given.append(f"{field.name}=_missing")
                value = f"_make{index}() if {field.name} is _missing else {field.name}"
            else:
                given.append(field.name)
            body.append(f" _set{index}(self, {value})")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        exec(f"def __init__({', '.join(['self', *given])}):\n" + "\n".join(body or [" pass"]), known)
        made = known["__init__"]
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        return made

    def _repr(self):
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in self.__plain_fields__ if field.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def _no_set(self, name, value):
        import dataclasses

        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _no_delete(self, name):
        import dataclasses

        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, field.name) for field in self.__plain_fields__]

    def _set_state(self, state):
        for field, value in zip(self.__plain_fields__, state, strict=True):
            object.__setattr__(self, field.name, value)
