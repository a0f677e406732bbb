"""Numbers that are one value or some side by side: a kernel that is written with these is compiled for both, from one source.

An array (n,) holds one number a row, an array (n, `LANES`) as many: the same row of several members of an ensemble, which a vector register
takes at once. Each operation is one strict IEEE instruction a number, never fused or reordered: so a member has the same bits
whether it was computed alone or beside others.
"""

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

LANES = 8 if get_host_cpu_features().get("avx512f") else 4  # numbers side by side: where registers are shorter, more leave them
BARE = {"cache": True, "error_model": "numpy", "_nrt": False}  # of a kernel that keeps no arrays: numba then counts no references to them
WIDE = types.UniTuple(types.float64, LANES)
VECTOR = ir.VectorType(ir.DoubleType(), LANES)


def _packed(builder: Any, kind: Any, value: Any) -> Any:
    """``value`` as LLVM wants it for arithmetic: a vector, or the double that it is."""
    if kind == types.float64:
        return value
    vector = ir.Constant(VECTOR, ir.Undefined)
    for i in range(LANES):
        vector = builder.insert_element(vector, builder.extract_value(value, i), ir.Constant(ir.IntType(32), i))
    return vector


def _unpacked(builder: Any, kind: Any, value: Any) -> Any:
    """The way back: the tuple that numba knows."""
    if kind == types.float64:
        return value
    whole = ir.Constant(ir.ArrayType(ir.DoubleType(), LANES), ir.Undefined)
    for i in range(LANES):
        whole = builder.insert_value(whole, builder.extract_element(value, ir.Constant(ir.IntType(32), i)), i)
    return whole


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """A pointer to row ``index`` of ``array``."""
    data = context.make_array(kind)(context, builder, array).data
    step = index if kind.ndim == 1 else builder.mul(index, ir.Constant(index.type, LANES))
    return builder.gep(data, [step])


def _number(kind: Any) -> Any:
    return types.float64 if kind.ndim == 1 else WIDE


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Row ``index`` of ``array``, (n,) or (n, `LANES`)."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        place = _place(context, builder, kind, *values)
        if kind.ndim == 1:
            return builder.load(place)
        vector = builder.load(builder.bitcast(place, VECTOR.as_pointer()), align=8)
        return _unpacked(builder, WIDE, vector)

    return _number(array)(array, types.intp), code


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Let row ``index`` of ``array`` be ``value``."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        place = _place(context, builder, kind, *values[:2])
        packed = _packed(builder, signature.args[2], values[2])
        if kind.ndim == 1:
            builder.store(packed, place)
        else:
            builder.store(packed, builder.bitcast(place, VECTOR.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, _number(array)), code


def _binary(name: str) -> Any:
    def typed(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            left, right = (_packed(builder, kind, value) for kind, value in zip(signature.args, values, strict=True))
            return _unpacked(builder, signature.return_type, getattr(builder, name)(left, right))

        return a(a, a), code

    return typed


@intrinsic
def add(typing: Any, a: Any, b: Any) -> Any:
    """``a + b``."""
    return _binary("fadd")(typing, a, b)


@intrinsic
def sub(typing: Any, a: Any, b: Any) -> Any:
    """``a - b``."""
    return _binary("fsub")(typing, a, b)


@intrinsic
def mul(typing: Any, a: Any, b: Any) -> Any:
    """``a b``."""
    return _binary("fmul")(typing, a, b)


@intrinsic
def scale(typing: Any, a: Any, factor: Any) -> Any:
    """``a`` times ``factor``: one number for all lanes, or as many as ``a`` has."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind, other = signature.args
        left, right = _packed(builder, kind, values[0]), _packed(builder, other, values[1])
        if kind != other:
            right = _everywhere(builder, right)
        return _unpacked(builder, kind, builder.fmul(left, right))

    return a(a, factor), code


@intrinsic
def raised(typing: Any, a: Any, number: Any) -> Any:
    """``a`` plus a number."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        left, right = _packed(builder, kind, values[0]), values[1]
        if kind != types.float64:
            right = _everywhere(builder, right)
        return _unpacked(builder, kind, builder.fadd(left, right))

    return a(a, types.float64), code


def _everywhere(builder: Any, number: Any) -> Any:
    """``number`` in all lanes."""
    vector = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(vector, ir.Constant(VECTOR, ir.Undefined), zeros)


def _run(context: Any, builder: Any, signature: Any, array: Any, first: Any) -> Any:
    """A pointer to `LANES` numbers of ``array`` (n,) from ``first`` on, as a vector."""
    data = context.make_array(signature.args[0])(context, builder, array).data
    return builder.bitcast(builder.gep(data, [first]), VECTOR.as_pointer())


def _reversed(builder: Any, vector: Any) -> Any:
    order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(range(LANES - 1, -1, -1)))
    return builder.shuffle_vector(vector, ir.Constant(VECTOR, ir.Undefined), order)


@intrinsic
def ahead(typing: Any, array: Any, first: Any) -> Any:
    """`LANES` numbers from ``first`` on of ``array`` (n,), side by side."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _unpacked(builder, WIDE, builder.load(_run(context, builder, signature, *values), align=8))

    return WIDE(array, types.intp), code


@intrinsic
def back(typing: Any, array: Any, last: Any) -> Any:
    """`LANES` numbers from ``last`` backwards of ``array`` (n,), side by side."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        first = builder.sub(values[1], ir.Constant(values[1].type, LANES - 1))
        vector = builder.load(_run(context, builder, signature, values[0], first), align=8)
        return _unpacked(builder, WIDE, _reversed(builder, vector))

    return WIDE(array, types.intp), code


@intrinsic
def store_ahead(typing: Any, array: Any, first: Any, value: Any) -> Any:
    """The way back of `ahead`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _run(context, builder, signature, *values[:2])
        builder.store(_packed(builder, WIDE, values[2]), place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, WIDE), code


@intrinsic
def store_back(typing: Any, array: Any, last: Any, value: Any) -> Any:
    """The way back of `back`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        first = builder.sub(values[1], ir.Constant(values[1].type, LANES - 1))
        place = _run(context, builder, signature, values[0], first)
        builder.store(_reversed(builder, _packed(builder, WIDE, values[2])), place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, WIDE), code


@intrinsic
def spread(typing: Any, array: Any, first: Any, value: Any) -> Any:
    """Let every eighth number of ``array`` (n,) from ``first`` on be one of ``value``."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        for i in range(LANES):
            place = builder.gep(data, [builder.add(values[1], ir.Constant(values[1].type, i * 8))])
            builder.store(builder.extract_value(values[2], i), place)
        return context.get_dummy_value()

    return types.void(array, types.intp, WIDE), code


def _seen(builder: Any, context: Any, signature: Any, array: Any, kind: Any, shape: list[Any]) -> Any:
    """``array`` as one of another ``kind`` and ``shape`` in the same memory, which it does not hold: no reference is counted."""
    size = context.get_constant(types.intp, 8)
    strides = [size]
    for count in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], count))
    made = context.make_array(kind)(context, builder)
    data = context.make_array(signature.args[0])(context, builder, array).data
    populate_array(made, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return made._getvalue()


def _wider(kind: Any) -> Any:
    return kind.copy(ndim=kind.ndim + 1)


def _folded(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """The last axis of an array in parts of `LANES`."""
    kind = signature.args[0]
    shape = cgutils.unpack_tuple(builder, context.make_array(kind)(context, builder, values[0]).shape, kind.ndim)
    lanes = context.get_constant(types.intp, LANES)
    return _seen(builder, context, signature, values[0], signature.return_type, [*shape[:-1], builder.udiv(shape[-1], lanes), lanes])


def _same(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return impl_ret_borrowed(context, builder, signature.return_type, values[0])


@intrinsic
def rows(typing: Any, x: Any) -> Any:
    """``x`` as `LANES` numbers a row: (n,) as (n / `LANES`, `LANES`), of which n is a multiple; an array of rows as it is. One member too
    then fills a register, with what stands side by side in it."""
    return (_wider(x)(x), _folded) if x.ndim == 1 else (x(x), _same)


@intrinsic
def fold(typing: Any, x: Any) -> Any:
    """The number of rows of ``x`` in one of ``rows(x)``: `LANES` or 1."""
    count = LANES if x.ndim == 1 else 1
    return types.intp(x), lambda context, builder, signature, values: context.get_constant(types.intp, count)


@intrinsic
def stacked(typing: Any, x: Any) -> Any:
    """`rows` of each of several arrays: (d, n) or (d, n, `LANES`)."""
    return (_wider(x)(x), _folded) if x.ndim == 2 else (x(x), _same)


@intrinsic
def weights(typing: Any, c: Any, x: Any) -> Any:
    """Factors ``c`` (d, n) in the form that goes with ``rows(x)``: `LANES` a row where x holds one member, one a row where several."""
    return (_wider(c)(c, x), _folded) if x.ndim == 1 else (c(c, x), _same)
