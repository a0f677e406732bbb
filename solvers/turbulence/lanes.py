"""Complex numbers side by side in a vector register, for loops that compilers leave to one number at a time.

Arrays are of real numbers, real and imaginary parts by turns. `load` takes as many as fill `BYTES`; each operation is one IEEE instruction
a number, never fused, so that a number has the same bits as in a plain loop.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

BYTES = 32


class Lanes(types.Type):
    """Real numbers of one ``kind`` side by side."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        super().__init__(name=f"Lanes({kind})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A vector of LLVM."""

    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, _vector(kind.kind))


def _count(kind: Any) -> int:
    return BYTES * 8 // int(kind.bitwidth)


def _vector(kind: Any) -> Any:
    return ir.VectorType(ir.FloatType() if kind == types.float32 else ir.DoubleType(), _count(kind))


def _place(context: Any, builder: Any, array: Any, kind: Any, first: Any) -> Any:
    """A pointer to the numbers of ``array`` (n,) from ``first`` on, as a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [first]), _vector(kind.dtype).as_pointer())


def _shuffled(builder: Any, one: Any, other: Any, order: list[int]) -> Any:
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))


def _everywhere(builder: Any, value: Any, vector: Any) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return _shuffled(builder, one, one, [0] * vector.count)


@intrinsic
def together(typing: Any, array: Any) -> Any:
    """Count the complex numbers of ``array`` (n,) that go side by side."""
    count = ir.Constant(ir.IntType(types.intp.bitwidth), _count(array.dtype) // 2)
    return types.intp(array), lambda context, builder, signature, values: count


@intrinsic
def load(typing: Any, array: Any, first: Any) -> Any:
    """Numbers of ``array`` (n,) from ``first`` on."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        return builder.load(_place(context, builder, values[0], kind, values[1]), align=kind.dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.intp), code


@intrinsic
def store(typing: Any, array: Any, first: Any, value: Any) -> Any:
    """Let numbers of ``array`` (n,) from ``first`` on be ``value``."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        builder.store(values[2], _place(context, builder, values[0], kind, values[1]), align=kind.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), code


def _elementwise(what: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """An intrinsic's body of two operands of one kind."""

    def typed(typing: Any, a: Any, b: Any) -> Any:
        return a(a, a), lambda context, builder, signature, values: what(builder, *values)

    return typed


def _by_number(what: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """An intrinsic's body of a vector and a number, which stands in all of its places."""

    def typed(typing: Any, a: Any, number: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return what(builder, values[0], _everywhere(builder, values[1], values[0].type))

        return a(a, a.kind), code

    return typed


def _alternating(builder: Any, even: Any, odd: Any) -> Any:
    """The even numbers of the one, the odd ones of the other."""
    count = even.type.count
    return _shuffled(builder, even, odd, [i + (count if i % 2 else 0) for i in range(count)])


@intrinsic
def doubled(typing: Any, array: Any, first: Any) -> Any:
    """Numbers of ``array`` (n,) from ``first`` on, each twice: for the real and for the imaginary part."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        data = context.make_array(kind)(context, builder, values[0]).data
        half = ir.VectorType(_vector(kind.dtype).element, _count(kind.dtype) // 2)
        place = builder.bitcast(builder.gep(data, [values[1]]), half.as_pointer())
        once = builder.load(place, align=kind.dtype.bitwidth // 8)
        return _shuffled(builder, once, once, [i // 2 for i in range(2 * half.count)])

    return Lanes(array.dtype)(array, types.intp), code


@intrinsic
def scaled(typing: Any, a: Any, factor: Any) -> Any:
    """``a`` times a number."""
    return _by_number(lambda builder, a, factor: builder.fmul(a, factor))(typing, a, factor)


@intrinsic
def add(typing: Any, a: Any, b: Any) -> Any:
    """``a + b``."""
    return _elementwise(lambda builder, a, b: builder.fadd(a, b))(typing, a, b)


@intrinsic
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """``a - b``."""
    return _elementwise(lambda builder, a, b: builder.fsub(a, b))(typing, a, b)


@intrinsic
def raised(typing: Any, a: Any, more: Any) -> Any:
    """``a`` plus a number."""
    return _by_number(lambda builder, a, more: builder.fadd(a, more))(typing, a, more)


@intrinsic
def inverse_within(typing: Any, a: Any, limit: Any, scale: Any) -> Any:
    """``scale / a`` where 0 < a <= ``limit``, else zero."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        divided, vector = values[0], values[0].type
        limit, scale = (_everywhere(builder, value, vector) for value in values[1:])
        none = cgutils.get_null_value(vector)
        within = builder.and_(builder.fcmp_ordered("<", none, divided), builder.fcmp_ordered("<=", divided, limit))
        return builder.select(within, builder.fdiv(scale, divided), none)

    return a(a, a.kind, a.kind), code


@intrinsic
def turned(typing: Any, a: Any, b: Any) -> Any:
    """``a - b`` of the real parts, ``b - a`` of the imaginary ones."""
    return _elementwise(lambda builder, a, b: _alternating(builder, builder.fsub(a, b), builder.fsub(b, a)))(typing, a, b)


@intrinsic
def times(typing: Any, a: Any, b: Any) -> Any:
    """Real by real and imaginary by imaginary part."""
    return _elementwise(lambda builder, a, b: builder.fmul(a, b))(typing, a, b)


@intrinsic
def minus_plus(typing: Any, a: Any, b: Any) -> Any:
    """Differences of the real parts, sums of the imaginary ones."""
    return _elementwise(lambda builder, a, b: _alternating(builder, builder.fsub(a, b), builder.fadd(a, b)))(typing, a, b)


@intrinsic
def plus_minus(typing: Any, a: Any, b: Any) -> Any:
    """Sums of the real parts, differences of the imaginary ones."""
    return _elementwise(lambda builder, a, b: _alternating(builder, builder.fadd(a, b), builder.fsub(a, b)))(typing, a, b)


def _differences(builder: Any, a: Any, b: Any) -> Any:
    count = a.type.count
    left = _shuffled(builder, a, b, [i - 1 + count if i % 2 else i for i in range(count)])
    right = _shuffled(builder, a, b, [i + count if i % 2 else i + 1 for i in range(count)])
    return builder.fsub(left, right)


@intrinsic
def differences(typing: Any, a: Any, b: Any) -> Any:
    """Real part less imaginary part, of ``a`` where the real parts are, of ``b`` where the imaginary ones are."""
    return _elementwise(_differences)(typing, a, b)


@intrinsic
def swapped(typing: Any, a: Any) -> Any:
    """Real and imaginary parts exchanged."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _shuffled(builder, values[0], values[0], [i ^ 1 for i in range(values[0].type.count)])

    return a(a), code


@intrinsic
def backwards(typing: Any, a: Any) -> Any:
    """The complex numbers in reverse."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        count = values[0].type.count
        return _shuffled(builder, values[0], values[0], [count - 2 - i + 2 * (i % 2) for i in range(count)])

    return a(a), code


@intrinsic
def alternating(typing: Any, a: Any, b: Any) -> Any:
    """Real parts of ``a``, imaginary parts of ``b``."""
    return _elementwise(_alternating)(typing, a, b)


@intrinsic
def real_parts(typing: Any, a: Any) -> Any:
    """``a`` with zero imaginary parts."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _alternating(builder, values[0], cgutils.get_null_value(values[0].type))

    return a(a), code
