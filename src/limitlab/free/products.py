"""Small matrix products whose tile of results stays in registers.

One shape serves the three products of a step: ``out[i, :] = sum_r left[i, r] right[r, :]`` with the columns of ``right``
in lanes and single values of ``left`` spread over them. ``left`` may be read along either of its axes, so nothing is
transposed for it. Sums run over ``r`` in ascending order in one accumulator an entry: tiles change no bit of a result.
"""

from __future__ import annotations

import numba as nb
from llvmlite import binding as llvm
from llvmlite import ir
from numba.core import cgutils, types

from limitlab.free.lanes import address, intrinsic, load_vector, multiply_add, splat_vector, store_vector
from limitlab.free.state import WIDTH

TILE_ROWS = 6


def _vectors_of_a_tile() -> int:
    """Four where a vector is one of 32 registers: 24 accumulators, 4 operands, a spread value. One where it is several: 12 of 16 for AVX."""
    try:
        return 4 if llvm.get_host_cpu_features().get("avx512f") else 1
    except RuntimeError:  # the processor cannot be asked
        return 1


TILE_VECTORS = _vectors_of_a_tile()


def _tile(rows, vectors):
    """The product for one tile of ``rows`` x ``vectors`` vectors, its loop over ``r`` written out in LLVM's terms."""

    @intrinsic
    def tile(typing, left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep):
        def emit(context, builder, signature, arguments):
            def pointer(array, index):
                return address(context, builder, signature.args[array], arguments[array], index)

            step = {name: arguments[at] for name, at in (("row", 2), ("sum", 3), ("right", 6), ("out", 9))}
            word = step["row"].type
            lefts = [pointer(0, builder.add(arguments[1], builder.mul(step["row"], word(i)))) for i in range(rows)]
            rights = [pointer(4, builder.add(arguments[5], word(WIDTH * v))) for v in range(vectors)]
            places = [
                [
                    pointer(7, builder.add(arguments[8], builder.add(builder.mul(step["out"], word(i)), word(WIDTH * v))))
                    for v in range(vectors)
                ]
                for i in range(rows)
            ]
            zero = ir.Constant(ir.VectorType(ir.FloatType(), WIDTH), [0.0] * WIDTH)
            sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(vectors)] for _ in range(rows)]
            with builder.if_then(cgutils.is_not_null(builder, arguments[11])):  # go on from what is there
                for i in range(rows):
                    for v in range(vectors):
                        builder.store(load_vector(builder, places[i][v]), sums[i][v])
            with cgutils.for_range(builder, arguments[10]) as loop:
                across = builder.mul(loop.index, step["right"])
                along = builder.mul(loop.index, step["sum"])
                operands = [load_vector(builder, builder.gep(p, [across])) for p in rights]
                for i in range(rows):
                    value = splat_vector(builder, builder.load(builder.gep(lefts[i], [along])))
                    for v in range(vectors):
                        builder.store(multiply_add(builder, value, operands[v], builder.load(sums[i][v])), sums[i][v])
            for i in range(rows):
                for v in range(vectors):
                    store_vector(builder, builder.load(sums[i][v]), places[i][v])
            return context.get_dummy_value()

        word = types.intp
        return types.none(left, word, word, word, right, word, word, out, word, word, word, word), emit

    @nb.njit(nogil=True, inline="always")
    def call(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep):
        tile(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)

    return call


def _column_of_tiles(vectors):
    """All rows of ``out`` for a strip of ``vectors`` vectors; tiles are as even as their number allows."""
    six, five, four, three, two, one = (_tile(rows, vectors) for rows in (6, 5, 4, 3, 2, 1))

    @nb.njit(nogil=True)
    def run(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, terms, keep):
        tiles = (rows + TILE_ROWS - 1) // TILE_ROWS
        size, larger = rows // tiles, rows % tiles  # the first ``larger`` tiles have one row more
        for t in range(tiles):
            height = size + 1 if t < larger else size
            if height == 6:
                six(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)
            elif height == 5:
                five(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)
            elif height == 4:
                four(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)
            elif height == 3:
                three(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)
            elif height == 2:
                two(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)
            else:
                one(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, terms, keep)
            left_at += height * row_step
            out_at += height * out_step

    return run


_four, _three, _two, _one = (_column_of_tiles(vectors) for vectors in (4, 3, 2, 1))


@nb.njit(nogil=True)
def wide_product(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, vectors, terms, keep):
    """As ``product``, in tiles of four vectors."""
    done = 0
    while vectors - done >= 4:
        _four(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, terms, keep)
        done += 4
        right_at += 4 * WIDTH
        out_at += 4 * WIDTH
    if vectors - done == 3:
        _three(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, terms, keep)
    elif vectors - done == 2:
        _two(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, terms, keep)
    elif vectors - done == 1:
        _one(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, terms, keep)


@nb.njit(nogil=True)
def narrow_product(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, vectors, terms, keep):
    """As ``product``, in tiles of one vector."""
    for _ in range(vectors):
        _one(left, left_at, row_step, sum_step, right, right_at, right_step, out, out_at, out_step, rows, terms, keep)
        right_at += WIDTH
        out_at += WIDTH


# ``out[i, :] (+)= sum_r left[i, r] right[r, :]`` for ``rows`` rows of ``vectors`` vectors, ``terms`` values of r.
#
# left, right, out: C-contiguous float32 arrays of any shape, addressed by flat positions: ``left[i, r]`` is at
# ``left_at + i row_step + r sum_step``, row r of ``right`` at ``right_at + r right_step``, row i of ``out`` at
# ``out_at + i out_step``. ``keep``: 1 to add to what ``out`` holds, 0 to overwrite it.
product = wide_product if TILE_VECTORS == 4 else narrow_product


@intrinsic
def _transposed_square(typing, source, source_at, source_step, target, target_at, target_step):
    """16 x 16 values, rows to columns, in four rounds of pairwise interleaving."""

    def emit(context, builder, signature, arguments):
        word = arguments[1].type

        def pointer(array, row):
            index = builder.add(arguments[array + 1], builder.mul(arguments[array + 2], word(row)))
            return address(context, builder, signature.args[array], arguments[array], index)

        rows = [load_vector(builder, pointer(0, i)) for i in range(WIDTH)]
        span = WIDTH // 2
        while span:
            low, high = [], []
            for lane in range(0, WIDTH, 2 * span):
                low += [*range(lane, lane + span), *range(WIDTH + lane, WIDTH + lane + span)]
                high += [*range(lane + span, lane + 2 * span), *range(WIDTH + lane + span, WIDTH + lane + 2 * span)]
            kind = ir.VectorType(ir.IntType(32), WIDTH)
            for i in range(WIDTH):
                if not i & span:
                    a, b = rows[i], rows[i + span]
                    rows[i] = builder.shuffle_vector(a, b, ir.Constant(kind, low))
                    rows[i + span] = builder.shuffle_vector(a, b, ir.Constant(kind, high))
            span //= 2
        for i in range(WIDTH):
            store_vector(builder, rows[i], pointer(3, i))
        return context.get_dummy_value()

    word = types.intp
    return types.none(source, word, word, target, word, word), emit


@nb.njit(nogil=True)
def transpose(source, source_step, target, target_step, rows, columns):
    """``target[c, r] = source[r, c]`` for whole 16 x 16 squares; rows and columns are multiples of 16."""
    for r in range(0, rows, WIDTH):
        for c in range(0, columns, WIDTH):
            _transposed_square(source, r * source_step + c, source_step, target, c * target_step + r, target_step)
