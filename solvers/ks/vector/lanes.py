"""Numbers that are one value or eight side by side: a kernel that is written with these is compiled for both, from one source.

An array (n,) holds one number a row, an array (n, 8) eight: the same row of eight members of an ensemble, which a vector register
takes at once. Each operation is one strict IEEE instruction a number, never fused or reordered: so a member has the same bits
whether it was computed alone or beside others.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

LANES = 8  # numbers side by side
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
    """Row ``index`` of ``array``, (n,) or (n, 8)."""

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
            vector = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), right, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            right = builder.shuffle_vector(vector, ir.Constant(VECTOR, ir.Undefined), zeros)
        return _unpacked(builder, kind, builder.fmul(left, right))

    return a(a, factor), code


def _run(context: Any, builder: Any, signature: Any, array: Any, first: Any) -> Any:
    """A pointer to the eight numbers of ``array`` (n,) from ``first`` on, as a vector."""
    data = context.make_array(signature.args[0])(context, builder, array).data
    return builder.bitcast(builder.gep(data, [first]), VECTOR.as_pointer())


def _reversed(builder: Any, vector: Any) -> Any:
    order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(range(LANES - 1, -1, -1)))
    return builder.shuffle_vector(vector, ir.Constant(VECTOR, ir.Undefined), order)


@intrinsic
def ahead(typing: Any, array: Any, first: Any) -> Any:
    """Numbers ``first`` to ``first`` + 7 of ``array`` (n,), side by side."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _unpacked(builder, WIDE, builder.load(_run(context, builder, signature, *values), align=8))

    return WIDE(array, types.intp), code


@intrinsic
def back(typing: Any, array: Any, last: Any) -> Any:
    """Numbers ``last``, ``last`` - 1 to ``last`` - 7 of ``array`` (n,), side by side."""

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
            place = builder.gep(data, [builder.add(values[1], ir.Constant(values[1].type, i * LANES))])
            builder.store(builder.extract_value(values[2], i), place)
        return context.get_dummy_value()

    return types.void(array, types.intp, WIDE), code


def rows(x: Any) -> Any:
    """``x`` as eight numbers a row: (n,) as (n / 8, 8), where n is a multiple of 8; (n, 8) as it is. One member too then fills a register,
    with what stands side by side in it."""


def fold(x: Any) -> Any:
    """The number of rows of ``x`` in one of ``rows(x)``: 8 or 1."""


def stacked(x: Any) -> Any:
    """`rows` of each of several arrays: (d, n) or (d, n, 8)."""


def weights(c: Any, x: Any) -> Any:
    """Factors ``c`` (d, n) in the form that goes with ``rows(x)``: eight a row where x holds one member, one a row where it holds eight."""


@overload(rows, strict=False)  # the implementations carry no annotations
def _rows(x: Any) -> Any:
    return (lambda x: x.reshape((x.shape[0] // LANES, LANES))) if x.ndim == 1 else (lambda x: x)


@overload(fold, strict=False)  # the implementations carry no annotations
def _fold(x: Any) -> Any:
    return (lambda x: LANES) if x.ndim == 1 else (lambda x: 1)


@overload(stacked, strict=False)  # the implementations carry no annotations
def _stacked(x: Any) -> Any:
    return (lambda x: x.reshape((x.shape[0], x.shape[1] // LANES, LANES))) if x.ndim == 2 else (lambda x: x)


@overload(weights, strict=False)  # the implementations carry no annotations
def _weights(c: Any, x: Any) -> Any:
    return (lambda c, x: c.reshape((c.shape[0], c.shape[1] // LANES, LANES))) if x.ndim == 1 else (lambda c, x: c)
