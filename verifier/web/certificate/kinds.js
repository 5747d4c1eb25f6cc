/** The insurance branches (DOMAIN section 2): ids as the formats and policies spell them. */

/** { id, number, yearly, personPays } each; yearly ones are paid by the year (period YYYY00). */
export const KINDS = Object.freeze(
  [
    ["pension.emp", 1, false, true],
    ["pension.civ", 2, false, true],
    ["pension.res", 3, true, true],
    ["annuity.occ", 4, false, true],
    ["unemp", 5, false, true],
    ["medical.emp", 6, false, true],
    ["medical.res", 7, true, true],
    ["injury", 8, false, false],
    ["maternity", 9, false, false],
  ].map(([id, number, yearly, personPays]) => Object.freeze({ id, number, yearly, personPays })),
);

/** Id to branch. */
export const KIND_BY_ID = new Map(KINDS.map((kind) => [kind.id, kind]));
