/* Work A summed: one pass over a batch. The bounds it takes are proved by its caller before the sum is used. */
#include <stdint.h>

static inline int64_t nanos(int64_t picos) { return (int64_t)(((uint64_t)picos + 500) / 1000); }

int64_t charge_sum(int64_t rows, const int64_t *at, const int32_t *model, const int32_t *models, const int64_t *read,
                   const int64_t *cached, const int64_t *written, const int64_t *table, int64_t size, int64_t begin,
                   int64_t end, int64_t longest, int64_t *bounds) {
  int64_t total = 0, most_read = 0, most_written = 0, signs = 0;
  for (int64_t row = 0; row < rows; row++) {
    int64_t phase = models[model[row]], first = read[row], again = cached[row], out = written[row];
    signs |= phase;
    phase = phase < 0 ? 0 : phase;
    phase += (at[row] >= begin) & (at[row] < end) ? size : 0;
    phase += first > longest ? 2 * size : 0;
    most_read = first > most_read ? first : most_read;
    most_written = out > most_written ? out : most_written;
    int64_t fresh = first - again;
    signs |= fresh | again | out;
    const int64_t *prices = table + 3 * phase;
    total += nanos(fresh * prices[0]) + nanos(again * prices[1]) + nanos(out * prices[2]);
  }
  bounds[0] = most_read;
  bounds[1] = most_written;
  bounds[2] = signs;
  return total;
}
