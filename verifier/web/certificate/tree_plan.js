/**
 * What to hash with what: the shape of a claims tree over some of its slots (certificate/tree_plan.py).
 *
 *   slots 1 and 2 of four:        1             the shape [[hidden 0, leaf 0], [leaf 1, hidden 1]]
 *                               /   \
 *                              2     3          hidden: the maximal subtrees without any of the slots, left to right
 *                             / \   / \
 *                            4 [5] [6] 7
 */

/**
 * { shape, hidden }: the tree as nested pairs of { leaf: n } and { hidden: n }, and how many subtrees are hidden.
 *
 * `slots` rise; without any, the root itself is hidden.
 */
export function planTree(identityDepth, factDepth, slots) {
  let [leaves, hidden] = [0, 0];

  /** The subtree over 2^depth slots from `first`, among which slots[low...high] are. */
  function walk(first, depth, low, high) {
    if (low === high) return { hidden: hidden++ };
    if (depth === 0) return { leaf: leaves++ };
    const half = first + 2 ** (depth - 1);
    let middle = low;
    while (middle < high && slots[middle] < half) middle += 1;
    return [walk(first, depth - 1, low, middle), walk(half, depth - 1, middle, high)];
  }

  if (slots.length === 0) return { shape: { hidden: 0 }, hidden: 1 };
  const inIdentity = slots.filter((slot) => slot < 2 ** identityDepth).length;
  const shape = [
    walk(0, identityDepth, 0, inIdentity),
    walk(2 ** identityDepth, factDepth, inIdentity, slots.length),
  ];
  return { shape, hidden };
}
