"""Catalogs as they come: from an installed package or a JSON file, every figure a decimal read by its text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class NoCatalog(Exception):
    """A catalog that cannot be had; the message is for people."""


def from_file(path: str) -> Any:
    """The JSON of a file. Raises NoCatalog."""
    try:
        return _json(Path(path).read_bytes())
    except OSError as error:
        raise NoCatalog(f"{path} cannot be read: {(error.strerror or 'error').lower()}") from None
    except ValueError as error:
        raise NoCatalog(f"{path} is no JSON: {error}") from None
    except RecursionError:
        raise NoCatalog(f"{path} is nested too deeply") from None


def _json(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refused)


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def package_version(package: str) -> str:
    """The version of an installed package. Raises NoCatalog with what to do."""
    try:
        return version(package)
    except PackageNotFoundError:
        raise NoCatalog(
            f"the package {package} is not installed; `pip install 'pricelang[catalogs]'`, or give its JSON with --file"
        ) from None


def package_file(package: str, module: str, name: str) -> Any:
    """A JSON file inside an installed package, read without importing it."""
    package_version(package)
    spec = find_spec(module)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / name
        if path.is_file():
            return from_file(str(path))
    raise NoCatalog(f"the package {package} has no file {name}; give its JSON with --file")


def genai_package() -> list[dict[str, Any]]:
    """The providers of the installed genai-prices, in the form of its JSON."""
    package_version("genai-prices")
    from importlib import import_module

    providers = import_module("genai_prices.data").providers
    return [_plain(provider) for provider in providers]


_KEYS = {"or_": "or", "and_": "and"}
_WANTED = {
    "Provider": ("id", "name", "pricing_urls", "price_comments", "models"),
    "ModelInfo": ("id", "name", "match", "price_comments", "prices", "price_variants"),
}


def _plain(value: Any) -> Any:
    """Objects of genai-prices as mappings with the keys of its JSON; what is not given is left out."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if hasattr(value, "__dict__"):
        wanted = _WANTED.get(type(value).__name__)
        given = {key: one for key, one in vars(value).items() if wanted is None or key in wanted}
        return {_KEYS.get(key, key): _plain(one) for key, one in given.items() if one is not None}
    return value
