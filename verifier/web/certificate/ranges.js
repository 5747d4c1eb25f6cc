/** Sets of characters as the generated tables write them: "0-1f 7f-9f ad", first and last code point in hex. */

/** The bounds of the ranges, first, last, first, last, …, rising. */
export function parseRanges(text) {
  return text.split(" ").flatMap((range) => {
    const [first, last = first] = range.split("-").map((point) => Number.parseInt(point, 16));
    return [first, last];
  });
}

/** Whether `point` lies in one of the ranges of `parseRanges`. */
export function inRanges(bounds, point) {
  let [low, high] = [0, bounds.length / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[2 * middle + 1] < point) low = middle + 1;
    else high = middle;
  }
  return 2 * low < bounds.length && bounds[2 * low] <= point;
}
