"""Expressions over digits: their tokens, their grammar, and the exact value of each.

An expression is a number or a pair ``(operation, arguments)``: ``("Max", (5, 8, 3))`` is written
``Max ( 5 , 8 , 3 )``. Arguments may be expressions again. The first twenty tokens are those of the
digit operations' original vocabulary; a number is spelt digit by digit.
"""

from __future__ import annotations

import re

from ..checks import check_array, check_choice, check_type, check_whole
from ..errors import ArgumentError, RangeError
from ..rules import Is
from ..wording import written

__all__ = ["EOS", "OPERATIONS", "PAD", "TOKENS", "answer_text", "answer_tokens", "operation_of", "parse", "spell",
           "tokenize", "value"]

TOKENS = ("[PAD]", "[EOS]", *"0123456789", "First", "Second", "Last", "Max", "Min", "(", ")", ",",
          "Median", "Second-largest", "Sort", "Add")
PAD, EOS, ZERO = 0, 1, 2
ID = {token: i for i, token in enumerate(TOKENS)}
COMMA = ID[","]

#: What each operation does with the list of its arguments. Of an even number Median takes the lower middle.
OPERATIONS = {
    "First": lambda numbers: numbers[0],
    "Second": lambda numbers: numbers[1],
    "Last": lambda numbers: numbers[-1],
    "Max": max,
    "Min": min,
    "Median": lambda numbers: sorted(numbers)[(len(numbers) - 1) // 2],
    "Second-largest": lambda numbers: sorted(numbers)[-2],
    "Sort": lambda numbers: tuple(sorted(numbers)),
    "Add": sum,
}
LEAST = {"Second": 2, "Second-largest": 2}

Expression = int | tuple[str, tuple]


def value(expression: Expression) -> int | tuple[int, ...]:
    """The exact answer: a number, and for ``Sort`` a tuple of numbers.

    >>> value(("Max", (("First", (2, 8)), ("Second", (5, 1)))))
    2
    >>> value(("Sort", (5, 3, 9)))
    (3, 5, 9)
    """
    if not isinstance(expression, tuple):
        return check_whole("expression", expression, low=0, high=10**18)
    operation, arguments = opened(expression)
    check_whole(f"the number of {operation}'s arguments", len(arguments), low=LEAST.get(operation, 1))
    numbers = [value(argument) for argument in arguments]
    if any(isinstance(number, tuple) for number in numbers):
        raise ArgumentError("expression", f"a sorted list inside {operation}", "numbers and operations that give one",
                            "Use Sort on the outside.")
    return OPERATIONS[operation](numbers)


def operation_of(expression: Expression) -> str:
    """The outermost operation."""
    return opened(expression)[0]


def opened(expression: Expression) -> tuple[str, tuple]:
    """The two parts of an expression that is an operation."""
    if not (isinstance(expression, tuple) and len(expression) == 2 and isinstance(expression[1], tuple)):
        raise ArgumentError("expression", written(expression), "a pair of an operation and its arguments",
                            "Write it like ('Max', (5, 8, 3)), or take parse('Max(5, 8, 3)').")
    return check_choice("operation", expression[0], OPERATIONS), expression[1]


SEVERAL = Is((list, tuple), "a list of at least one expression", "Take all_inputs(task) or draw(task, n, seed=0).")


def listed(argument: str, expressions) -> list:
    """A list of operations, none of them out of order, of numbers alone."""
    if not SEVERAL(argument, expressions):
        raise ArgumentError(argument, "none", SEVERAL.words, SEVERAL.remedy)
    for expression in expressions:
        value(expression)
    return list(expressions)


def tokenize(expression: Expression) -> list[int]:
    """The tokens of an expression.

    >>> tokenize(("Max", (5, 42)))
    [15, 17, 7, 19, 6, 4, 18]
    """
    if not isinstance(expression, tuple):
        return digits(expression)
    operation, arguments = opened(expression)
    inside = [token for argument in arguments for token in (COMMA, *tokenize(argument))][1:]
    return [ID[operation], ID["("], *inside, ID[")"]]


def digits(number: int) -> list[int]:
    return [ZERO + int(digit) for digit in str(check_whole("number", number, low=0, high=10**18))]


def answer_tokens(answer: int | tuple[int, ...]) -> list[int]:
    """The tokens of an answer; the numbers of a sorted list are separated by commas.

    >>> answer_tokens(42), answer_tokens((3, 10))
    ([6, 4], [5, 19, 3, 2])
    """
    numbers = answer if isinstance(answer, tuple) else (answer,)
    return [token for number in numbers for token in (COMMA, *digits(number))][1:]


def answer_text(answer: int | tuple[int, ...]) -> str:
    """An answer as :func:`spell` writes its tokens.

    >>> answer_text(42), answer_text((3, 10))
    ('42', '3 , 10')
    """
    return spell(answer_tokens(answer))


def spell(tokens) -> str:
    """Tokens as text; neighbouring digits are read as one number, padding is left out.

    >>> spell([15, 17, 7, 19, 6, 4, 18, 0, 0])
    'Max ( 5 , 42 )'
    """
    row = check_array("tokens", tokens, shape=("pos",), kind="whole", low=0, high=len(TOKENS) - 1, allow_empty=True)
    words = " ".join(TOKENS[token] for token in row.tolist() if token != PAD)
    return re.sub(r"(?<=\d) (?=\d)", "", words)


def parse(text: str) -> Expression:
    """The expression that a reader typed: spaces and capitals do not matter. An error says where it stops being one.

    >>> parse("max(5, first(12, 3))")
    ('Max', (5, ('First', (12, 3))))
    >>> parse("Max(5 8)")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ArgumentError: expression: got '8' after 'Max(5 '; allowed is ',' or ')'. Write it like
    Max(5, 8, 3).
    """
    text = check_type("expression", text, str)
    words = [(found.group(), found.start()) for found in re.finditer(r"[A-Za-z]+(?:-[A-Za-z]+)*|\d+|\S", text)]
    if len(words) > 200:
        raise RangeError("expression", f"{len(words)} words and signs", "at most 200", "Ask for less at once.")
    words.append(("the end", len(text)))
    expression, rest = operation_at(words, text)
    if len(rest) > 1:
        raise mistake(rest, text, "nothing more")
    value(expression)
    return expression


def operation_at(words, text):
    """The operation that ``words`` start with, and the words after it."""
    (name, start), words = words[0], words[1:]
    if name == "the end" or not name[0].isalpha():
        raise mistake([(name, start)], text, "an operation: " + ", ".join(OPERATIONS))
    matching = [operation for operation in OPERATIONS if operation.lower() == name.lower()]
    operation = matching[0] if matching else check_choice("operation", name, OPERATIONS)
    words, arguments = after(words, text, "("), []
    while True:
        argument, words = argument_at(words, text)
        arguments.append(argument)
        if words[0][0] == ")":
            break
        words = after(words, text, ",", "',' or ')'")
    return (operation, tuple(arguments)), words[1:]


def argument_at(words, text):
    if not words[0][0].isdecimal():
        return operation_at(words, text)
    return check_whole("argument", int(words[0][0][:20]), low=0, high=10**9), words[1:]


def after(words, text, sign, allowed=""):
    if words[0][0] != sign:
        raise mistake(words, text, allowed or repr(sign))
    return words[1:]


def mistake(words, text, allowed) -> ArgumentError:
    word, start = words[0]
    came = f"{word!r}" if word != "the end" else word
    where = f" after {text[:start]!r}" if start else ""
    return ArgumentError("expression", came + where, allowed, "Write it like Max(5, 8, 3).")
