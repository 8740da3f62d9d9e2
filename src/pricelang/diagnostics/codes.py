"""Every finding there is: its number for ever, its slug, how grave it is, its one sentence and the way out.

Sentences are lower case, without a full stop, in the reader's own words; the words in braces are filled in where the
finding is made. A page for each stands in `pages/`, shown by `pricelang rule CODE`.
"""

from __future__ import annotations

from pricelang.plain import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding. `proved`: proofs make it, which a quick check does without."""

    code: str
    slug: str
    severity: str
    message: str
    advice: str = ""
    proved: bool = False


RULES: dict[str, Rule] = {}


def summary(message: str) -> str:
    """A rule's sentence without the words that are filled in where the finding is made."""
    import re

    text = re.sub(r"`?\{\w+\}`?", "…", message)
    return "what is wrong is said where it is found" if text == "…" else text


def _error(code: str, slug: str, message: str, advice: str = "") -> Rule:
    return _rule(code, slug, "error", message, advice)


def _warning(code: str, slug: str, message: str, advice: str = "", proved: bool = False) -> Rule:
    return _rule(code, slug, "warning", message, advice, proved)


def _note(code: str, slug: str, message: str, advice: str = "", proved: bool = False) -> Rule:
    return _rule(code, slug, "note", message, advice, proved)


def _rule(code: str, slug: str, severity: str, message: str, advice: str, proved: bool = False) -> Rule:
    rule = Rule(code, slug, severity, message, advice, proved)
    assert code not in RULES, code
    RULES[code] = rule
    return rule


# --- 1: the text itself -------------------------------------------------------------------------------------

UNREADABLE = _error("PL100", "unreadable-file", "{what}", "save the file as UTF-8 text")
FILE_TOO_LARGE = _error(
    "PL101",
    "file-too-large",
    "a {what} may have {most} at most",
    "move long tables into CSV files, or split the ruleset",
)
HIDDEN_CHARACTER = _error(
    "PL102",
    "hidden-character",
    "{code} ({name}) may not stand in a rule file",
    "delete it: what a reader sees must be what runs",
)
LOOK_ALIKE = _error(
    "PL103",
    "look-alike-letter",
    "{code} ({name}) stands inside a Latin word and looks like another letter",
    "type the word again",
)
TAB = _error("PL104", "tab", "a tab; rule files are indented with spaces", "use two spaces")
LINE_TOO_LONG = _error("PL105", "line-too-long", "a line may have {most} characters at most")
INDENTATION = _error(
    "PL106",
    "indentation",
    "this line is indented like no line above it",
    "put it under the line it belongs to, two spaces in",
)
TOO_DEEP = _error("PL107", "too-deep", "lines may be indented {most} levels deep at most")
SYNTAX = _error("PL110", "syntax", "{what}", "{advice}")
UNKNOWN_BLOCK = _error("PL111", "unknown-block", "`{word}` begins no block", "did you mean `{nearest}`?")
OUT_OF_PLACE = _error("PL112", "out-of-place", "{what} may not stand here", "{advice}")
NUMBER_TOO_LONG = _error("PL113", "number-too-long", "a number may have {most} digits at most")
NO_RULESET = _error(
    "PL114",
    "no-ruleset",
    "the file does not begin with a ruleset",
    'begin it with a line such as `ruleset acme "Acme AI"`',
)
REPEATED = _error("PL115", "repeated", "{what} `{name}` is there twice", "the other one stands in line {line}")
BAD_DATE = _error("PL116", "bad-date", "`{text}` is not a date or time that exists")
BAD_ROW = _error(
    "PL117",
    "bad-row",
    "this row has {count} cells, the header has {expected}",
    "write one cell for each column, with `|` between them",
)
EMPTY_BLOCK = _error("PL118", "empty-block", "{what} has nothing in it", "{advice}")
TOO_MANY = _error("PL119", "too-many", "{what} may have {most} {of} at most", "put what varies into a table")

# --- 2: names -----------------------------------------------------------------------------------------------

UNKNOWN_NAME = _error("PL201", "unknown-name", "there is no {kind} named `{name}`", "did you mean `{nearest}`?")
UNKNOWN_UNIT = _error(
    "PL202", "unknown-unit", "`{name}` is not a unit", "declare it with `unit {single}`, or use one of {known}"
)
UNKNOWN_CURRENCY = _error("PL203", "unknown-currency", "`{name}` is not a currency code", "write a code such as `USD`")
UNKNOWN_ZONE = _error(
    "PL204", "unknown-zone", "`{name}` is not a time zone", "write one such as `UTC` or `Europe/Berlin`"
)
UNKNOWN_MODE = _error(
    "PL205", "unknown-rounding", "{what}", "write `half up`, `half even`, `half down`, `up` or `down`"
)
UNKNOWN_PERIOD = _error("PL206", "unknown-period", "`{name}` is not a period", "write one of {known}")
UNKNOWN_VALUE = _error(
    "PL207", "unknown-value", "`{name}` is not one of the values of `{field}`", "write one of {known}"
)
TAKEN_NAME = _error("PL208", "taken-name", "`{name}` {why}", "choose another name")
NO_BASE = _error("PL209", "no-base", "the ruleset `{path}` {why}")
FILE_REFUSED = _error("PL211", "file-refused", "`{path}` {why}", "table files stand in the ruleset's own folder")

# --- 3: units and figures -----------------------------------------------------------------------------------

UNIT_MIX = _error("PL301", "unit-mix", "{left} and {right} do not mix", "{advice}")
BARE_RATE = _error(
    "PL302", "bare-rate", "a plain number where a rate is meant", "write what it is per, such as `{like}`"
)
NOT_A_RATE = _error("PL303", "not-a-rate", "{quantity} are priced at {rate}", "expected money per {expected}")
CURRENCY_MIX = _error("PL304", "currency-mix", "an amount in {other} in a ruleset whose currency is {currency}")
CURRENCY_SIGN = _error(
    "PL305", "currency-sign", "`{sign}` does not mean {currency}", "write the code, such as `{currency} 5`"
)
NO_CURRENCY = _error("PL306", "no-currency", "the ruleset names no currency", "add `currency USD` to its first block")
WRONG_KIND = _error("PL307", "wrong-kind", "{what} is {kind} where {expected} is meant", "{advice}")
NOT_MONEY = _error(
    "PL308",
    "not-money",
    "this line comes to {what}, and only money is charged",
    "price it with `at`, or say `not charged`",
)
UNPRICED_STEP = _error(
    "PL309",
    "step-before-price",
    "`{step}` works on money, and nothing has been priced above it",
    "put `at` and a rate above it",
)
PRICED_TWICE = _error(
    "PL310", "priced-twice", "the line is already money here", "price it once; `plus` and `less` change money"
)
ZERO_SIZE = _error("PL311", "zero-size", "a {what} of nothing", "write a size above zero")

# --- 4: tables and layers -----------------------------------------------------------------------------------

NO_HEADER = _error(
    "PL401", "no-header", "the table `{name}` has no rows", "write a header row and one row for each key"
)
KEY_NOT_IN_HEADER = _error(
    "PL402", "key-not-in-header", "the key `{name}` is not a column of the table", "the header has {known}"
)
BAD_CELL = _error("PL403", "bad-cell", "`{text}` cannot be read as {kind}", "{advice}")
BARE_CELL = _error(
    "PL404",
    "bare-cell",
    "`{text}` is a plain number where a rate {per} is meant",
    "write the currency, such as `{like}`, or in the column's header `(USD {per})`",
)
MISSING_CELL = _error(
    "PL405",
    "missing-cell",
    "the cell `{column}` of `{row}` is empty, and a price can ask for it",
    "write an amount, `free`, or `—` where it is not offered",
)
MISSING_ROW = _error("PL406", "missing-row", "the table has no row for {what}", "add a row, or a row for `any`")
TWO_ROWS = _error("PL407", "two-rows", "two rows fit {what}", "the other one stands in line {line}")
BAND_GAP = _error("PL408", "band-gap", "nothing covers {what}", "let the bands meet")
BAND_OVERLAP = _error("PL409", "band-overlap", "two bands cover {what}", "let the bands meet")
LAYER_ROW = _error(
    "PL410", "layer-row", "the table has no row `{name}` that this layer could change", "did you mean `{nearest}`?"
)
LAYER_COLUMN = _error("PL411", "layer-column", "the table has no column `{name}`", "the header has {known}")
LAYER_CONFLICT = _error(
    "PL412",
    "layer-conflict",
    "`{column}` of `{row}` is given twice at one time, here and in line {line}",
    "make the dates, hours or conditions exclude each other",
)
DATES_REVERSED = _error("PL413", "end-before-start", "the end is before the start", "write the earlier one first")
DATE_GAP = _error(
    "PL414",
    "date-gap",
    "`{column}` of `{row}` has no price {when}",
    "give it a price without dates, or let the dates meet",
)
WINDOW_OVERLAP = _error("PL415", "window-overlap", "these hours cover a time twice")
SHARE_LOOP = _error(
    "PL416",
    "share-loop",
    "`{column}` is priced from itself",
    "write the amount, or a step `less 50%` with a condition under the line",
)
NOT_A_BAND_TABLE = _error("PL417", "not-a-band-table", "the table `{name}` has no column of bands such as `up to 10K`")
KEY_NOT_A_FIELD = _error(
    "PL418",
    "key-not-a-field",
    "the table is keyed by `{key}`, and {what} has no such field",
    "did you mean `{nearest}`?",
)
PARTIAL_EFFECT = _error("PL419", "no-such-effect", "{what}", "{advice}")
DEAD_ROW = _warning(
    "PL420",
    "dead-row",
    "no record can reach the row `{name}`",
    "the other rows name every word there is: delete it",
    proved=True,
)

# --- 5: prices ----------------------------------------------------------------------------------------------

NO_PRICE = _error("PL501", "no-price", "`{name}` has no price", "add a block `price {name}`")
CHARGED_TWICE = _error(
    "PL502",
    "charged-twice",
    "{what} are charged twice, here and in line {line}",
    "use `rest of {whole}`, or take one out",
)
NEVER_CHARGED = _error(
    "PL503",
    "never-charged",
    "{what} are never charged",
    'add a line for them, or `LABEL: {quantity} not charged "why"`',
)
UNUSED_FIELD = _warning(
    "PL504",
    "unused-quantity",
    "`{name}` is counted, and no price uses it",
    'add a line for it, or `{name}: {name} not charged "why"`',
)
TWICE_PLAIN = _warning(
    "PL505",
    "priced-on-two-lines",
    "`{name}` is priced here and in line {line}",
    'if both are meant, add `allow priced-on-two-lines "why"`',
    proved=True,
)
NO_CASE_LEFT = _error("PL506", "no-otherwise", "no case is left for the other records", "add `otherwise:` at the end")
DEAD_CASE = _error("PL507", "dead-case", "this case can never apply", "the cases above it take every record")
EMPTY_CASES = _error("PL508", "no-cases", "`at` has nothing behind it and no cases beneath", "write a rate, or cases")
NO_BANDS = _error("PL509", "no-bands", "`{word}` has no bands", "write bands such as `up to 10K: $1` beneath")
STEP_ORDER = _error("PL510", "step-order", "{what}", "{advice}")
LINE_TWICE = _error("PL511", "label-twice", "the line `{name}` is there twice", "the other one stands in line {line}")
EACH_MINIMUM = _error(
    "PL512",
    "minimum-of-a-count",
    "a minimum of a quantity cannot count over a period",
    "put `at least` below the rate, as money",
)
COUNT_THEN_CONDITION = _warning(
    "PL513",
    "condition-below-count",
    "a condition on the record stands below a step that counts over a period",
    "the month's total depends on the order of records; put it above",
)
NO_TIME = _error("PL514", "no-time", "{what} runs over time, and this line does not", "{advice}")
TIERS_STEP_BELOW = _error(
    "PL515",
    "minimum-below-volume",
    "a minimum of a record may not stand below `volume` over a period",
    "a cheaper band credits the difference; count the minimum over the period too",
)
OVERLAPPING_PRICES = _error(
    "PL516", "two-prices", "`{name}` has two prices, and nothing says which holds", "give each a `when`"
)
ROUNDS_TO_ZERO = _warning(
    "PL517", "rounds-to-nothing", "{what} rounds to nothing", "round to a smaller amount, or the bill instead"
)
TIER_CLIFF = _warning(
    "PL518",
    "tier-cliff",
    "using more costs less: {low} cost {dear}, {high} cost {cheap}{even}",
    'if the page says so, add `allow tier-cliff "why"`',
    proved=True,
)
LABEL_HIDES_FIELD = _error(
    "PL519", "label-hides-field", "`{name}` is a field and also a line above", "give the line another name"
)
UNKNOWN_PART = _error("PL520", "part-of-itself", "`{name}` is part of itself")
PART_UNIT = _error("PL521", "part-unit", "`{name}` is part of `{whole}`, and they are counted in different units")
ENDLESS_DECIMALS = _warning(
    "PL522",
    "endless-decimals",
    "{what} has decimals without end, and nothing rounds them",
    "add `rounded to $0.000001, half even`",
)

PRICE_GAP = _warning(
    "PL523",
    "price-gap",
    "no price of `{name}` holds for some records",
    "let their conditions name every value, or write one price without a condition",
    proved=True,
)
NEVER_MATTERS = _warning("PL524", "never-matters", "{what} {why}", "delete it, or write what is meant")
UNUSED_BLOCK = _warning(
    "PL525", "unused-block", "nothing uses the {kind} `{name}`", "delete it, or look for a mistyped name"
)

# --- 6: accounts --------------------------------------------------------------------------------------------

LIMIT_INCOMPLETE = _error("PL601", "limit-incomplete", "the limit `{name}` {why}", "{advice}")
BAD_STATUS = _error("PL602", "bad-status", "a request is refused with 402 or 429, not {status}")
DECIDES_NOTHING = _error("PL603", "decides-nothing", "{what} {why}", "{advice}")
TOPUP_COLUMNS = _error(
    "PL604",
    "topup-columns",
    "a top-up table has the columns `pay` and `bonus`, or `pay` and `get`, not {known}",
    "write `| pay | bonus |`",
)
ACCOUNT_WORD = _error("PL605", "account-word", "{what}", "{advice}")
LIMIT_WINDOW = _error("PL606", "limit-window", "{what}", "{advice}")

# --- 7: examples and waivers --------------------------------------------------------------------------------

EXAMPLE_FAILS = _error("PL701", "example-fails", "{what}", "{advice}")
EXAMPLE_EMPTY = _warning("PL702", "example-expects-nothing", "the example expects nothing", "add `expect charge …`")
EXAMPLE_ORDER = _error("PL703", "expect-before-event", "an `expect` stands before any record")
BAD_FIELD_VALUE = _error("PL704", "bad-example-value", "{what}")
UNUSED_WAIVER = _warning("PL705", "unused-waiver", "nothing here needs `allow {slug}`", "delete the line")
UNKNOWN_WAIVER = _error("PL706", "unknown-waiver", "`{slug}` {why}", "did you mean `{nearest}`?")

# --- 8: what is proved of a checked ruleset ------------------------------------------------------------------------

UNPRICED = _warning(
    "PL801",
    "unpriced",
    "{what} is refused: {why}",
    'price it, or say that it is not offered with `—`; if it is meant, add `allow unpriced "why"`',
    proved=True,
)
TWO_FIT = _warning(
    "PL802", "two-fit", "for some records of `{usage}` {why}", "make them exclude each other", proved=True
)
NEVER_HAPPENS = _warning("PL803", "never-happens", "{what} {why}", "delete it, or write what is meant", proved=True)
PRICE_ENDS = _warning(
    "PL804",
    "price-ends",
    "`{column}` of `{row}` has no price from {day} on",
    "write what comes after it, or `—` from that day on where it is no longer offered",
    proved=True,
)
EXPIRES = _warning("PL805", "expires", "{what} is over {when}", "{advice}", proved=True)
DEAR_OFFER = _warning(
    "PL806",
    "dear-offer",
    "the offer costs more than the price it stands on: `{column}` of `{row}` is {dear}, and {cheap} without it",
    "an offer that raises a price is a new price: write `from DATE` without a name, or mend the figure",
    proved=True,
)
DEAR_PLAN = _warning(
    "PL807",
    "dear-plan",
    "`{plan}` costs more than `{other}` at every use, and gives nothing more",
    "give it a lower rate, a higher limit, or a lower fee",
    proved=True,
)
TOPUP_CLIFF = _warning(
    "PL808",
    "topup-cliff",
    "{what}",
    "raise the bonus of the larger payment, or lower that of the smaller",
    proved=True,
)
TOPUP_GAP = _warning(
    "PL809",
    "topup-gap",
    "a payment of {amount} fits no row, and {below} and {above} do",
    "let the rows meet",
    proved=True,
)
LIMIT_NEVER = _warning("PL810", "limit-never", "the limit `{name}` {why}", "delete it, or mend its figure", proved=True)
LIMIT_ALWAYS = _warning(
    "PL811", "limit-always", "the limit `{name}` {why}", "raise it, or say `—` where it is not offered", proved=True
)
COARSE_ROUNDING = _warning(
    "PL812",
    "coarse-rounding",
    "{what}",
    "round to a smaller amount, or the bill instead of each record",
    proved=True,
)
UNDECIDED = _note("PL813", "not-decided", "not decided whether {what}: {why}", proved=True)
UNCHARGED = _warning(
    "PL814",
    "uncharged",
    "no line charges {what} of such a record of `{usage}`",
    'price it for them too, or say `LABEL: {quantity} not charged "why"` under their condition',
    proved=True,
)
IDLE_MONEY = _warning("PL815", "idle-money", "{what} {why}", "delete it, or mend its figure", proved=True)
