/** What is asked from nobody any more: an item that only retired templates ask. */

/**
 * The template with whose retirement `item` stopped being required; null while it may be asked.
 *
 * `templates` is a Map by id, `today` a day "YYYY-MM-DD". An organisation gains nothing by asking the same without naming
 * the template: the item itself counts. Where another template that is not retired asks it too, it goes on being asked.
 */
export function retiredTemplate(item, templates, { today }) {
  const asking = [...templates.values()].filter((template) => asks(template, item));
  return asking.every((template) => template.isRetired(today)) ? (asking[0] ?? null) : null;
}

function asks(template, item) {
  if (item.policy !== undefined) return template.policies.includes(item.policy);
  const { slots } = template;
  return item.slots.length === slots.length && item.slots.every((slot, at) => slot === slots[at]);
}
