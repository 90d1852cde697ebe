"""Sixteen float32 lanes as one value in compiled code.

numba leaves vector instructions to LLVM's loop vectoriser, which keeps no tile of accumulators in registers and does not
vectorise exp. Here a vector is a value of its own: ``load``, arithmetic, ``store``. LLVM maps it to one AVX-512 register,
two of AVX, four of NEON. Every lane is computed the same way whatever the machine's width, in the order that is written.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, extending, types
from numba.core.extending import models, overload, register_model

from limitlab.free.state import WIDTH

# Its own annotations describe the function that is decorated, not what compiled code calls.
intrinsic: Any = extending.intrinsic

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_VECTOR, _INTEGERS = ir.VectorType(_FLOAT, WIDTH), ir.VectorType(_INT, WIDTH)


class LanesType(types.Type):
    """The numba type of sixteen float32 lanes."""

    def __init__(self) -> None:
        super().__init__(name="lanes16")


LANES = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


def address(context, builder, kind, value, index):
    """Pointer to element ``index`` of a C-contiguous array, whatever its number of axes."""
    array = context.make_array(kind)(context, builder, value)
    return builder.gep(array.data, [index])


def load_vector(builder, pointer):
    """Sixteen floats from any address."""
    return builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)


def store_vector(builder, vector, pointer):
    """Sixteen floats to any address."""
    builder.store(vector, builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)


def splat_vector(builder, scalar):
    """The same float in every lane."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_INTEGERS, [0] * WIDTH))


def multiply_add(builder, a, b, c):
    """``a * b + c``, rounded once where the machine has such an instruction."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32"), [a, b, c])


@intrinsic
def load(typing, array, index):
    """Sixteen floats of a float32 array from flat position ``index`` on. Bounds are not checked."""

    def emit(context, builder, signature, arguments):
        return load_vector(builder, address(context, builder, signature.args[0], *arguments))

    return LANES(array, types.intp), emit


@intrinsic
def store(typing, array, index, lanes):
    """Write sixteen floats to flat position ``index``. Bounds are not checked."""

    def emit(context, builder, signature, arguments):
        array_value, at, vector = arguments
        store_vector(builder, vector, address(context, builder, signature.args[0], array_value, at))
        return context.get_dummy_value()

    return types.none(array, types.intp, LANES), emit


@intrinsic
def splat(typing, scalar):
    """The same float32 in every lane."""

    def emit(context, builder, signature, arguments):
        return splat_vector(builder, arguments[0])

    return LANES(types.float32), emit


@intrinsic
def fma(typing, a, b, c):
    """``a * b + c``."""

    def emit(context, builder, signature, arguments):
        return multiply_add(builder, *arguments)

    return LANES(LANES, LANES, LANES), emit


def _binary(name):
    @intrinsic
    def operation(typing, a, b):
        def emit(context, builder, signature, arguments):
            return getattr(builder, name)(*arguments)

        return LANES(LANES, LANES), emit

    return operation


_add, _sub, _mul, _div = (_binary(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


def _lanes_only(a, b):
    return isinstance(a, LanesType) and isinstance(b, LanesType)


@overload(operator.add)
def _overload_add(a, b):
    if _lanes_only(a, b):
        return lambda a, b: _add(a, b)


@overload(operator.sub)
def _overload_sub(a, b):
    if _lanes_only(a, b):
        return lambda a, b: _sub(a, b)


@overload(operator.mul)
def _overload_mul(a, b):
    if _lanes_only(a, b):
        return lambda a, b: _mul(a, b)


@overload(operator.truediv)
def _overload_div(a, b):
    if _lanes_only(a, b):
        return lambda a, b: _div(a, b)


@intrinsic
def larger(typing, a, b):
    """The larger of two in every lane; where one is NaN, ``b``."""

    def emit(context, builder, signature, arguments):
        a_value, b_value = arguments
        return builder.select(builder.fcmp_ordered(">", a_value, b_value), a_value, b_value)

    return LANES(LANES, LANES), emit


@intrinsic
def where_at_least(typing, a, b, yes, no):
    """``yes`` in the lanes where ``a >= b``, otherwise ``no``."""

    def emit(context, builder, signature, arguments):
        a_value, b_value, yes_value, no_value = arguments
        return builder.select(builder.fcmp_ordered(">=", a_value, b_value), yes_value, no_value)

    return LANES(LANES, LANES, LANES, LANES), emit


@intrinsic
def square_root(typing, a):
    """Correctly rounded."""

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{WIDTH}f32"), arguments)

    return LANES(LANES), emit


@intrinsic
def times_power_of_two(typing, a, shifted):
    """``a * 2**n`` for -126 <= n <= 127, given ``shifted = n + 1.5 * 2**23``, whose low bits are those of n."""

    def emit(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[1], _INTEGERS)
        exponent = builder.shl(bits, ir.Constant(_INTEGERS, [23] * WIDTH))
        power = builder.add(exponent, ir.Constant(_INTEGERS, [127 << 23] * WIDTH))
        return builder.fmul(arguments[0], builder.bitcast(power, _VECTOR))

    return LANES(LANES, LANES), emit


@intrinsic
def exponent_of(typing, a):
    """``n`` of ``a = m * 2**n`` with 0.75 <= m < 1.5, for positive normal numbers."""

    def emit(context, builder, signature, arguments):
        raised = builder.add(builder.bitcast(arguments[0], _INTEGERS), ir.Constant(_INTEGERS, [0x3F800000 - 0x3F400000] * WIDTH))
        exponent = builder.ashr(raised, ir.Constant(_INTEGERS, [23] * WIDTH))
        return builder.sitofp(builder.sub(exponent, ir.Constant(_INTEGERS, [127] * WIDTH)), _VECTOR)

    return LANES(LANES), emit
