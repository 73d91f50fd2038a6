"""Values of flags. What is wrong with one is said in the parser's own words, which argparse alone would swallow."""

import argparse
import math
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)


def explained(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` for a flag, its ValueError shown to the user."""

    def value(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}") from None

    return value


def one_of(words: type[Word]) -> Callable[[str], Word]:
    """One of an enum's words."""

    def word(text: str) -> Word:
        if text not in list(words):
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return words(text)

    return explained(word)


def keep_secrets_apart(args: argparse.Namespace) -> None:
    """Ends the program where --secrets is the folder of --manifests, in which no Secret is read."""
    if args.manifests and args.secrets and args.secrets.resolve() == args.manifests.resolve():
        args.error("--secrets is the folder of --manifests: give Secrets one of their own, mode 0700, that is not in Git")


@explained
def seconds(text: str) -> float:
    """From 0 on."""
    return _number(text, "seconds", lambda number: number >= 0, "0 or more")


@explained
def minutes(text: str) -> float:
    """More than none."""
    return _number(text, "minutes", lambda number: number > 0, "more than 0")


def _number(text: str, unit: str, fits: Callable[[float], bool], bounds: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and fits(number)):
        raise ValueError(f"{text!r} is no number of {unit}, {bounds}")
    return number
