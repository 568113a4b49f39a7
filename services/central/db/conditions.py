"""One search value against one column, as SQL text with arguments.

`search.py` calls it for every value of a term. Text of the request goes into arguments
only, never into SQL. It must not know tables or scopes.
"""
# ruff: noqa: S608 - names come from the declared tables, every value is an argument

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import re2
from google.protobuf.descriptor import EnumDescriptor

from pyrox.errors import Invalid
from services.central.db.fields import Column, Kind
from services.central.db.query import Form, Value

NEVER = "FALSE"
# Long patterns are expensive to compile; people write far shorter ones.
MAX_PATTERN = 1000
_COMPARISON = re.compile(r"(>=|<=|>|<|=)\s*(.*)", re.DOTALL)
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)")
_DAYS = re.compile(r"(\d{1,6})d")
_DAY_RANGE = re.compile(r"(\d{1,6})d-(\d{1,6})d")
_MILLIS_RANGE = re.compile(r"tr/(\d{1,15})-(\d{1,15})?")
_DATE = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?(?:\s+(UTC|GMT|[+-]\d{4}))?"
)
_TRUE = frozenset({"true", "t", "1"})
_FALSE = frozenset({"false", "f", "0"})
# Ages point back in time: older than three days is a moment before three days ago.
_INVERTED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "="}


class Arguments:
    """The arguments of one statement, numbered as they are added."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def add(self, value: object, cast: str) -> str:
        """The SQL text that stands for the value."""
        self.values.append(value)
        return f"${len(self.values)}::{cast}"


def condition(column: Column, sql: str, value: Value, enum: EnumDescriptor | None, args: Arguments) -> str:
    """SQL that is true for rows whose column (written `sql`) matches the value.

    Raises `Invalid` for a number, boolean or time that cannot be read.
    """
    if value.form in {Form.ANY, Form.NULL}:
        absent = _absent(column, sql)
        return absent if (value.form is Form.NULL) != value.negated else f"NOT ({absent})"
    if column.kind in {Kind.TEXTS, Kind.ENUMS, Kind.MAP}:
        return _elements(column, sql, value, enum, args)
    matched = _scalar(column, sql, value, enum, args)
    return f"({matched}) IS NOT TRUE" if value.negated else matched


def _absent(column: Column, sql: str) -> str:
    if column.kind is Kind.TEXT:
        return f"({sql} IS NULL OR {sql} = '')"
    if column.kind in {Kind.TEXTS, Kind.ENUMS}:
        return f"coalesce(cardinality({sql}), 0) = 0"
    if column.kind is Kind.MAP:
        return f"coalesce({sql}, '{{}}'::jsonb) = '{{}}'::jsonb"
    return f"{sql} IS NULL"


def _elements(column: Column, sql: str, value: Value, enum: EnumDescriptor | None, args: Arguments) -> str:
    """Lists and maps: some element matches; negated none does; `!!` some does not."""
    if column.kind is Kind.MAP:
        source, matched = f"jsonb_each_text({sql}) AS e(k, v)", _entry(value, args)
    else:
        source = f"unnest({sql}) AS e(v)"
        plain = Value(value.text, value.form)
        matched = _enum("e.v", plain, enum, args) if column.kind is Kind.ENUMS else _text("e.v", plain, args)
    if value.at_least_one:
        return f"EXISTS (SELECT 1 FROM {source} WHERE NOT ({matched}))"
    found = f"EXISTS (SELECT 1 FROM {source} WHERE {matched})"
    return f"NOT {found}" if value.negated else found


def _entry(value: Value, args: Arguments) -> str:
    """`key=value` of a map; an empty side matches anything."""
    if value.form is Form.REGEX:
        key, _, wanted = value.text.partition("=")
        return " AND ".join(
            _text(side, Value(text, Form.REGEX), args) for side, text in (("e.k", key), ("e.v", wanted))
        )
    text = f'"{value.text}"' if value.form is Form.EXACT else value.text
    key, equals, wanted = text.partition("=")
    if value.form is Form.EXACT and equals:
        key, wanted = _whole(key), _whole(wanted)
    parts = []
    for side, raw in (("e.k", key.strip()), ("e.v", wanted.strip())):
        if not raw:
            continue
        inner = Value.parse(raw)
        matched = "TRUE" if inner.form in {Form.ANY, Form.NULL} else _text(side, inner, args)
        parts.append(f"NOT ({matched})" if inner.negated else matched)
    return " AND ".join(parts) or "TRUE"


def _whole(part: str) -> str:
    """One half of a quoted `key=value`, quoted on its own."""
    return '"' + part.strip('"') + '"' if part.strip('"') else ""


def _scalar(column: Column, sql: str, value: Value, enum: EnumDescriptor | None, args: Arguments) -> str:
    match column.kind:
        case Kind.UUID:
            return _uuid(sql, value, args)
        case Kind.BOOL:
            return _bool(column, sql, value, args)
        case Kind.INT | Kind.FLOAT:
            return _number(column, sql, value, args)
        case Kind.TIME:
            return _time(column, sql, value, args)
        case Kind.ENUM:
            return _enum(sql, value, enum, args)
    return _text(sql, value, args)


def _clean(text: str) -> str:
    if "\0" in text:
        raise Invalid.because("a search value holds a NUL character")
    return text


def _pattern(text: str) -> str:
    if len(text) > MAX_PATTERN:
        raise Invalid.because(f"a regular expression is longer than {MAX_PATTERN} characters")
    return _clean(text)


def like_prefix(text: str) -> str:
    """The LIKE pattern for texts that begin so."""
    return re.sub(r"([\\%_])", r"\\\1", _clean(text)) + "%"


def _text(sql: str, value: Value, args: Arguments) -> str:
    match value.form:
        case Form.EXACT:
            return f"{sql} = {args.add(_clean(value.text), 'text')}"
        case Form.REGEX:
            return f"{sql} ~* {args.add(_pattern(value.text), 'text')}"
    return f"{sql} ILIKE {args.add(like_prefix(value.text), 'text')}"


def _uuid(sql: str, value: Value, args: Arguments) -> str:
    """A whole id uses the index; anything else is compared as text."""
    if value.form is not Form.REGEX:
        try:
            return f"{sql} = {args.add(uuid.UUID(value.text), 'uuid')}"
        except ValueError:
            if value.form is Form.EXACT:
                return NEVER
    return _text(f"{sql}::text", value, args)


def _bool(column: Column, sql: str, value: Value, args: Arguments) -> str:
    lowered = value.text.lower()
    if lowered not in _TRUE | _FALSE:
        raise Invalid.because(f"{column.label}: expected true or false, not {value.text[:100]!r}")
    return f"{sql} = {args.add(lowered in _TRUE, 'boolean')}"


def _compared(text: str) -> tuple[str, str]:
    """A leading comparison and the rest; equality when there is none."""
    found = _COMPARISON.fullmatch(text)
    return (found[1], found[2]) if found else ("=", text)


def _number(column: Column, sql: str, value: Value, args: Arguments) -> str:
    text = value.text.strip()
    if between := _RANGE.fullmatch(text):
        low, high = (args.add(float(part), "double precision") for part in between.groups())
        return f"({sql} >= {low} AND {sql} <= {high})"
    operator, rest = _compared(text)
    try:
        number = float(rest)
    except ValueError as error:
        raise Invalid.because(f"{column.label}: expected a number, not {value.text[:100]!r}") from error
    # Stored scores come from 32-bit floats; a decimal text must meet its nearest float.
    exact = f"{sql}::real" if column.kind is Kind.FLOAT else sql
    cast = "real" if column.kind is Kind.FLOAT else "double precision"
    if cast == "real" and abs(number) > 3e38:
        raise Invalid.because(f"{column.label}: the number {value.text[:100]!r} is out of range")
    return f"{exact} {operator} {args.add(number, cast)}"


def _enum(sql: str, value: Value, enum: EnumDescriptor | None, args: Arguments) -> str:
    numbers = _enum_numbers(value, enum)
    return f"{sql} = ANY({args.add(numbers, 'integer[]')})" if numbers else NEVER


def _enum_numbers(value: Value, enum: EnumDescriptor | None) -> list[int]:
    """The numbers whose names match; a comparison counts from the first match."""
    names: dict[str, int] = {} if enum is None else {v.name: v.number for v in enum.values}
    operator, text = _compared(value.text) if value.form is Form.PLAIN else ("=", value.text)
    matches: Callable[[str], bool]
    if value.form is Form.REGEX:
        # RE2, since a hostile pattern must not run for ages even on short names.
        try:
            pattern = re2.compile("(?i)" + _pattern(text))
        except re2.error:
            return []
        matches = lambda name: pattern.search(name) is not None  # noqa: E731 - one of three forms
    elif value.form is Form.EXACT:
        matches = text.__eq__
    else:
        lowered = text.strip().lower()
        matches = lambda name: name.lower().startswith(lowered)  # noqa: E731 - one of three forms
    found = [number for name, number in names.items() if matches(name)]
    if operator == "=" or not found:
        return sorted(set(found))
    tests: dict[str, Callable[[int], bool]] = {
        ">": lambda n: n > found[0],
        ">=": lambda n: n >= found[0],
        "<": lambda n: n < found[0],
        "<=": lambda n: n <= found[0],
    }
    return sorted({number for number in names.values() if tests[operator](number)})


def _time(column: Column, sql: str, value: Value, args: Arguments) -> str:
    text = value.text.strip()
    if between := _MILLIS_RANGE.fullmatch(text):
        low = args.add(_moment(int(between[1]), column), "timestamptz")
        if between[2] is None:
            return f"{sql} >= {low}"
        return f"({sql} >= {low} AND {sql} < {args.add(_moment(int(between[2]), column), 'timestamptz')})"
    if between := _DAY_RANGE.fullmatch(text):
        days = sorted(int(part) for part in between.groups())
        newest, oldest = (args.add(timedelta(days=day), "interval") for day in days)
        return f"({sql} >= now() - {oldest} AND {sql} <= now() - {newest})"
    operator, rest = _compared(text)
    if age := _DAYS.fullmatch(rest):
        return _aged(sql, operator, int(age[1]), args)
    start, length = _date(column, rest.strip())
    begin = args.add(start, "timestamptz")
    if operator != "=":
        return f"{sql} {operator} {begin}"
    return f"({sql} >= {begin} AND {sql} < {args.add(start + length, 'timestamptz')})"


def _aged(sql: str, operator: str, days: int, args: Arguments) -> str:
    """Compare with so many days ago; without comparison, that whole day."""
    moment = f"now() - {args.add(timedelta(days=days), 'interval')}"
    if operator == "=":
        return f"({sql} <= {moment} AND {sql} > {moment} - interval '1 day')"
    return f"{sql} {_INVERTED[operator]} {moment}"


def _moment(milliseconds: int, column: Column) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid.because(f"{column.label}: the time {milliseconds} is out of range") from error


def _date(column: Column, text: str) -> tuple[datetime, timedelta]:
    """A written date and how much time the writing covers."""
    found = _DATE.fullmatch(text)
    if not found:
        raise Invalid.because(f"{column.label}: expected MM/DD/YYYY, an age such as >3d, not {text[:100]!r}")
    month, day, year, hour, minute, second, half, zone = found.groups()
    try:
        start = datetime(
            int(year), int(month), int(day), _hour(hour, half), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError as error:
        raise Invalid.because(f"{column.label}: {text[:100]!r} is not a date") from error
    if zone and zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        start = start - offset if zone[0] == "+" else start + offset
    if hour is None:
        return start, timedelta(days=1)
    return start, timedelta(seconds=1) if second else timedelta(minutes=1)


def _hour(hour: str | None, half: str | None) -> int:
    if hour is None:
        return 0
    if half is None:
        return int(hour)
    if not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    return int(hour) % 12 + (12 if half.lower() == "pm" else 0)


def enum_of(message: Any, path: str) -> EnumDescriptor | None:
    """The enum type at the end of a dotted path below a message descriptor."""
    field = None
    for name in path.split("."):
        field = message.fields_by_name[name]
        message = field.message_type
    return field.enum_type if field is not None else None
