"""Instructions of single checks of a kernel filter. Their operands are in the maps that bpf/ fills.

Registers during checks: R6 the call (struct syscall_ctx), R7 struct filter_scratch, R8 the verdict on the process.
Checks may use the others.
"""

from typing import Final, NamedTuple

from mozu.core.filter.formula import Formula, all_of
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.assembly import Alu, CodeAssembler, Condition, Label, Register, Width, fits, signed
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import AddressMaps
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    AT_HAND,
    AddressCheck,
    ByteHint,
    BytesCheck,
    Check,
    NamePart,
    NumberCheck,
    ProcessCheck,
    SearchCheck,
    Subject,
    replaced,
)
from mozu.plugins.sources.ebpf.kernel_filter.decision import FOUND, Compared, Targets, branch

CALL: Final = Register.R6
SCRATCH: Final = Register.R7
VERDICT: Final = Register.R8

_BASES: Final = {"syscall_ctx": CALL, "filter_scratch": SCRATCH}
_WIDTHS: Final = {width.size: width for width in Width}
_LONGEST_NAME: Final = 256
"""MAX_FILTERED_PATH of bpf/kernel_filter.h, a power of two; a longer name passes untested."""
_CHUNK: Final = 4
"""Bytes tested by one comparison with an immediate."""
_WORD: Final = 8
_PLACES: Final = 4
"""Places at which a text is compared in one round of a search; more make programs long and searches little faster."""
_R0, _R1, _R2, _R3, _R4, _R5, _R9 = (*tuple(Register)[:6], Register.R9)


class _Number(NamedTuple):
    """A number in memory."""

    subject: Subject
    offset: int
    width: Width
    mask: int | None = None
    signed: bool = False


class _Chunk(NamedTuple):
    """A piece of the name: one, two or four bytes."""

    about: Subject
    part: NamePart
    offset: int
    width: Width


def chunked(formula: Formula) -> Formula:
    """Return the formula with bytes of the name divided into one, two and four, as `CheckCode` tests them."""
    return replaced(formula, lambda check: _in_chunks(check) if isinstance(check, BytesCheck) else check)


def _in_chunks(check: BytesCheck) -> Formula:
    """Return the check divided into chunks, from the end for bytes counted from there, so that names with the same end
    share their first test.

    Three bytes at the end are tested together with the one before them, if there is one.
    """
    size = len(check.value)
    whole = size // _CHUNK * _CHUNK
    places = [(at, _CHUNK) for at in range(0, whole, _CHUNK)]
    left = size - whole
    if left == 3 and whole:
        places.append((size - _CHUNK, _CHUNK))
    else:
        places += [(size - left, 2)] * (left >= 2) + [(size - 1, 1)] * (left % 2)
    if check.part is NamePart.END:
        places = [(size - at - length, length) for at, length in places]
    back = -1 if check.part is NamePart.END else 1
    return all_of(
        BytesCheck(check.part, check.offset + back * at, check.value[at : at + length], check.about)
        for at, length in places
    )


class CheckCode:
    """Generator of checks for one program."""

    def __init__(self, code: CodeAssembler, maps: AddressMaps) -> None:
        self._code, self._maps = code, maps

    # --- numbers

    def compared(self, check: Check, *, sense: bool) -> Compared | None:
        """Return the comparison; see Tests."""
        if isinstance(check, BytesCheck) and sense:
            return Compared(_chunk(check), int.from_bytes(check.value, "little"), wide=False)
        if isinstance(check, NumberCheck) and check.relation == ("==" if sense else "!=") and fits(check.constant):
            number = _number(check)
            wide = number.width is Width.DOUBLE
            return Compared(number, check.constant & (0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF), wide)
        return None

    def load(self, number: object) -> None:
        """Load the number; see Tests."""
        if isinstance(number, _Chunk):
            self._load_chunk(number)
            return
        assert isinstance(number, _Number)
        self._code.load(FOUND, _BASES[number.subject.value[0]], number.offset, number.width)
        if number.mask is not None:
            assert number.width is not Width.DOUBLE
            self._code.compute(Alu.AND, FOUND, signed(number.mask, bits=32))

    def _load_chunk(self, chunk: _Chunk) -> None:
        """Load bytes of the name. A mask keeps a computed place within the name."""
        about, part, offset, width = chunk
        if part is NamePart.START:
            self._code.load(FOUND, SCRATCH, _in_scratch(about, "bytes") + offset, width)
        elif part is NamePart.FILE and offset + width.size <= AT_HAND:
            self._code.load(FOUND, SCRATCH, _in_scratch(about, "file") + offset, width)
        else:
            is_end = part is NamePart.END
            self._code.load(_R1, SCRATCH, _in_scratch(about, "length" if is_end else "slash"), Width.DOUBLE)
            self._code.compute(Alu.ADD, _R1, -offset if is_end else 1)
            self._code.compute(Alu.AND, _R1, _LONGEST_NAME - 1)
            self._code.compute(Alu.ADD, _R1, SCRATCH)
            self._code.load(FOUND, _R1, _in_scratch(about, "bytes") + (0 if is_end else offset), width)

    # --- checks

    def test(self, check: Check, targets: Targets, *, sense: bool) -> None:
        """Append the test; see Tests."""
        if isinstance(check, NumberCheck):
            self._test_number(check, targets, sense=sense)
        elif isinstance(check, BytesCheck):
            self._load_chunk(_chunk(check))
            value = int.from_bytes(check.value, "little")
            condition = Condition.EQ if sense else Condition.NE
            branch(self._code, condition, FOUND, value, targets, wide=False)
        elif isinstance(check, SearchCheck):
            self._search(check, targets if sense else targets.swapped)
        elif isinstance(check, ByteHint):
            self._test_hint(check, targets if sense else targets.swapped)
        elif isinstance(check, AddressCheck):
            self._code.load(FOUND, SCRATCH, _in_scratch(check.about, "lists"), Width.DOUBLE)
            self._test_bit(self._maps.number(check.listed), targets, sense=sense)
        else:
            assert isinstance(check, ProcessCheck)
            self._code.move(FOUND, VERDICT)
            self._test_bit(check.number, targets, sense=sense)

    def _test_bit(self, number: int, targets: Targets, *, sense: bool) -> None:
        """Append a test of a bit of FOUND."""
        self._code.compute(Alu.RSH, FOUND, number)
        self._code.compute(Alu.AND, FOUND, 1)
        branch(self._code, Condition.NE if sense else Condition.EQ, FOUND, 0, targets, wide=True)

    def _test_number(self, check: NumberCheck, targets: Targets, *, sense: bool) -> None:
        number = _number(check)
        self.load(number)
        condition = _CONDITIONS[check.relation, number.signed]
        constant: Register | int = check.constant
        wide = number.width is Width.DOUBLE
        if wide and not fits(check.constant):
            self._code.move(_R1, check.constant)
            constant = _R1
        branch(self._code, condition if sense else condition.inverse, FOUND, constant, targets, wide=wide)

    # --- texts anywhere

    def _test_hint(self, check: ByteHint, targets: Targets) -> None:
        """Append the search for a byte, eight bytes at a time.

        In `x = name ^ wanted…`, a wanted byte is 0, so `x - 0x01…` has its highest bit set, and in other bytes only if
        the name is not ASCII. Bytes that an earlier name has left behind the end count, too.
        """
        code, again, after = self._code, Label(), Label()
        code.move(_R0, check.byte * _EACH)
        code.move(_R1, SCRATCH)
        code.move(_R2, 0)
        code.load(_R3, SCRATCH, _in_scratch(check.about, "length"), Width.DOUBLE)
        code.move(_R5, -_EACH)
        code.move(_R9, 0)
        code.bind(again)
        code.jump_if(Condition.GE, _R2, _LONGEST_NAME, after)
        code.jump_if(Condition.GE, _R2, _R3, after)
        code.load(_R4, _R1, _in_scratch(check.about, "bytes"), Width.DOUBLE)
        code.compute(Alu.XOR, _R4, _R0)
        code.compute(Alu.ADD, _R4, _R5)
        code.compute(Alu.OR, _R9, _R4)
        code.compute(Alu.ADD, _R1, _WORD)
        code.compute(Alu.ADD, _R2, _WORD)
        code.jump(again)
        code.bind(after)
        code.move(_R0, 0x80 * _EACH)
        code.compute(Alu.AND, _R0, _R9)
        branch(code, Condition.NE, _R0, 0, targets, wide=True)

    def _search(self, check: SearchCheck, targets: Targets) -> None:
        """Append the comparison at every possible place of the text, from the last one on, _PLACES in a round.

        A round has one branch, the jump back at its end. Without may_goto the verifier follows every round, and gives
        up when 8,192 branches wait for it (BPF_COMPLEXITY_LIMIT_JMP_SEQ); for a jump back it keeps the next round and
        continues behind the loop, so that one waits for each loop. Results are therefore collected without branches: `x
        | -x` has the highest bit unless x is 0. The last round may begin before the name: there are the upper bytes of
        `raw`, which are 0 and begin no text.
        """
        code, again = self._code, Label()
        text, place = check.text, _in_scratch(check.about, "bytes")
        words = [(place, text[:_WORD], _R5)]
        if len(text) > _WORD:
            words.append((place + len(text) - _WORD, text[-_WORD:], _R9))
        code.load(_R2, SCRATCH, _in_scratch(check.about, "length"), Width.DOUBLE)
        code.compute(Alu.ADD, _R2, -len(text))
        code.jump_if(Condition.GE, _R2, _LONGEST_NAME, targets.miss)
        code.compute(Alu.ADD, _R2, 1)
        for _, word, wanted in words:
            code.move(wanted, _shifted(word))
        code.move(_R0, -1)
        code.bind(again)
        code.jump_rarely(targets.miss)
        code.move(_R1, SCRATCH)
        code.compute(Alu.ADD, _R1, _R2)
        for back in range(1, _PLACES + 1):
            for found, (offset, word, wanted) in zip((_R4, _R3), words, strict=False):
                self._load_shifted(found, offset - back, word)
                code.compute(Alu.XOR, found, wanted)
            if len(words) > 1:
                code.compute(Alu.OR, _R4, _R3)
            code.move(_R3, 0)
            code.compute(Alu.SUB, _R3, _R4)
            code.compute(Alu.OR, _R3, _R4)
            code.compute(Alu.AND, _R0, _R3)
        code.compute(Alu.ADD, _R2, -_PLACES)
        code.jump_if(Condition.SGT, _R2, 0, again)
        branch(code, Condition.SGE, _R0, 0, targets, wide=True)

    def _load_shifted(self, to: Register, offset: int, text: bytes) -> None:
        """Load bytes at R1, shifted so that those behind the text are removed."""
        self._code.load(to, _R1, offset, Width.DOUBLE)
        if len(text) < _WORD:
            self._code.compute(Alu.LSH, to, 8 * (_WORD - len(text)))


_EACH: Final = 0x0101010101010101
_CONDITIONS: Final = {
    ("==", False): Condition.EQ, ("!=", False): Condition.NE,
    ("<", False): Condition.LT, ("<=", False): Condition.LE, (">", False): Condition.GT, (">=", False): Condition.GE,
    ("==", True): Condition.EQ, ("!=", True): Condition.NE,
    ("<", True): Condition.SLT, ("<=", True): Condition.SLE, (">", True): Condition.SGT, (">=", True): Condition.SGE,
}  # fmt: skip
"""Condition of the jump, by relation and signedness."""


def _number(check: NumberCheck) -> _Number:
    struct, prefix = check.about.value
    place = wire.place(struct, prefix + check.member)
    size = 4 if check.narrow else place.size
    offset = place.offset + check.element * place.size
    return _Number(check.about, offset, _WIDTHS[size], check.mask, place.signed and not check.narrow)


def _chunk(check: BytesCheck) -> _Chunk:
    return _Chunk(check.about, check.part, check.offset, _WIDTHS[len(check.value)])


def _in_scratch(subject: Subject, member: str) -> int:
    struct, prefix = subject.value
    return wire.place(struct, prefix + member).offset


def _shifted(text: bytes) -> int:
    return int.from_bytes(text.rjust(_WORD, b"\0"), "little")
