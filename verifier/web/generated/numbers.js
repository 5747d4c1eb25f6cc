/** The numbers of the formats. Written by `python -m tests.documents.web`. */

export const Algorithm = Object.freeze({
  "ED25519": -19,
  "ESP256": -9,
  "ML_DSA_44": -48
});

export const CertificateType = Object.freeze({
  "CONTRIBUTION": 1,
  "EMPLOYER": 2,
  "TRANSFER": 3,
  "ELIGIBILITY": 4
});

export const Environment = Object.freeze({
  "TEST": 0,
  "PRODUCTION": 1
});

export const EntryType = Object.freeze({
  "PADDING": 0,
  "CERTIFICATE": 1,
  "STATUS_LIST": 2,
  "TRUST_FILE": 3,
  "ACCESS_LOG_HEAD": 4,
  "KEY_EVENT": 5
});

export const KeyRole = Object.freeze({
  "CERTIFICATE": 1,
  "STATUS": 2,
  "REGISTRAR": 3,
  "STATUS_MLDSA": 4
});

export const Presenter = Object.freeze({
  "SELF": 0,
  "PROXY": 1,
  "GUARDIAN": 2
});

export const Status = Object.freeze({
  "VALID": 0,
  "REVOKED": 1,
  "SUSPENDED": 2,
  "REPLACED": 3
});

export const Typ = Object.freeze({
  "CERTIFICATE": 65101,
  "REQUEST": 65102,
  "REGISTRATION": 65103,
  "PRESENTATION": 65104,
  "LOGIN": 65105,
  "DELEGATION": 65106,
  "KEY_EVENT": 65107,
  "DIRECTORY": 65108,
  "BUNDLE": 65109,
  "IMPORT_SUMMARY": 65110,
  "SUCCESSION": 65111,
  "DELEGATION_END": 65112,
  "DEVICE": 65113,
  "JOURNAL": 65114,
  "VERIFICATION_PROOF": 65115,
  "KEY_ROLLOVER": 65116,
  "CASE": 65117,
  "CASE_APPROVAL": 65118,
  "KEY_CASE": 65119
});
