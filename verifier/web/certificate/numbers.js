/** Every number of our formats, in one place. */

export { Algorithm, CertificateType, Environment, Presenter, Typ } from "../generated/numbers.js";

export const FORMAT_VERSION = 1;

// COSE header labels: RFC 9052 section 3.1, RFC 9596 (typ), RFC 9528 section 9.6 (kcwt).
export const HEADER_ALG = 1;
export const HEADER_KID = 4;
export const HEADER_KCWT = 13;
export const HEADER_TYP = 16;
export const HEADER_X = -65537; // the one private label, `X` in DESIGN section 3: what each object adds to COSE
