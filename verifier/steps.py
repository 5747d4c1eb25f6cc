"""The eleven steps that one presentation or certificate goes through (DESIGN section 4, docs/VERIFY.md).

 1 text                  the text or file form decodes to bytes, in its one spelling
 2 structure             the bytes are a presentation or a certificate in the one encoding of the format
 3 issuer key            the bundle is fresh; the key is known, an office's, for this region, type and environment
 4 issuer signature      the office signed this certificate
 5 ledger                the entry computed from the certificate stands in the log, under log and witness quorum
 6 position              the key was good at that position, and the authority did not disown the position
 7 time                  issued and expiry fit today and each other, and the clock fits what was seen
 8 status                the status list is there, fresh, rightly signed, and says valid
 9 disclosures           the shown claims and the multiproof give the signed root
10 holder and request    the holder of the certificate answered this very request, in time, for the first time
11 policy                the asked questions are answered

A step whose input was not authenticated is not run. Nothing here opens a file, a socket or a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from certificate.certificate import UnverifiedCertificate, parse_certificate_item
from certificate.cose import unverified_typ
from certificate.directory import DirectoryKey, KeyRole, check_position
from certificate.display_text import confusable_warning
from certificate.keys import algorithm_of, verify_signature
from certificate.numbers import Environment, Typ
from certificate.policy.asking import day_of_question, facts_of_certificate
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.presentation import UnverifiedPresentation, presentation_of_item
from certificate.qr_text import decode_any
from certificate.request import (
    COUNTER_LIFETIME,
    PolicyItem,
    SlotsItem,
    UnverifiedRequest,
    check_registered_on,
    parse_request,
    verify_request_but_its_day,
)
from certificate.slot_tree import root_from_disclosures
from certificate.slots import IDENTITY_SLOTS, ValueType
from certificate.status_list import Status, parse_status_token, status_list_uri
from certificate.template.retirement import retired_template
from certificate.threshold import verify_openings
from ledger.cbor import decode_cbor
from ledger.checkpoint import MAX_TIME
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, ProjectError, UndeterminedError, VerificationError
from ledger.held_log import HeldLog, verify_proof
from ledger.proof import FullProof, LoggedEntry, Proof
from ledger.reasons import Reason, Verdict, verdict_of
from verifier.expect import Archive, Asked, Expectation, Filed, Static, same_text
from verifier.known import KnownList, KnownRequest
from verifier.list_signature import verify_list_signature
from verifier.policies import JudgedPolicy, judge_policies, refusal_of
from verifier.report import (
    STEP_NAMES,
    CertificateView,
    Evidence,
    Report,
    StepOutcome,
    StepResult,
    judge,
)
from verifier.seen import Seen
from verifier.trust import TrustBundle

__all__ = ["CLOCK_SKEW", "Run", "own_request"]

CLOCK_SKEW = 300  # seconds
_DAY = 86400
_CHECKPOINT_LIFETIME = 40 * _DAY
_TEST_REGION = "99"


@dataclass
class Run:
    """One presentation or certificate on its way through the steps."""

    data: bytes
    trust: TrustBundle
    now: int
    expect: Expectation
    seen: Seen
    newest_time: int  # POSIX seconds, of the bundle or of one seen before
    results: dict[int, StepResult] = field(default_factory=dict)
    passed: set[int] = field(default_factory=set)
    raw: bytes = b""
    presentation: UnverifiedPresentation | None = None
    certificate: UnverifiedCertificate | None = None
    certificate_digest: bytes = b""
    request: UnverifiedRequest | None = None
    request_digest: bytes | None = None
    replay_keys: tuple[bytes, ...] = ()  # what an answer that step 10 lets pass marks as used
    key: DirectoryKey | None = None
    logged: LoggedEntry | None = None
    full_proof: FullProof | None = None
    status_digest: bytes | None = None
    judged: tuple[JudgedPolicy, ...] = ()
    notes: list[Reason] = field(default_factory=list)

    # --- what it is judged by: for a filed answer, its day and what was filed ---------------------------------

    @property
    def question(self) -> Asked | Static:
        return self.expect.shown if isinstance(self.expect, Archive) else self.expect

    @property
    def day(self) -> int:
        """POSIX seconds as of which dates, status and policies are judged."""
        return self.expect.time if isinstance(self.expect, Archive) else self.now

    @property
    def filed(self) -> Filed:
        return self.expect.filed if isinstance(self.expect, Archive) else _NOTHING_FILED

    @property
    def policies(self) -> Mapping[str, Policy]:
        return {**self.trust.policies, **self.filed.policies} if self.filed.policies else self.trust.policies

    # --- the steps in their order ---------------------------------------------------------------------------

    def steps_to_disclosures(self) -> None:
        """Steps 1 to 9, each only if what it reads was authenticated by the steps it names."""
        self._step(1, self._text)
        self._step(2, self._structure, needs=(1,))
        self._step(3, self._issuer_key, needs=(2,))
        self._step(4, self._issuer_signature, needs=(2,), ready=self.key is not None)
        self._step(5, self._ledger, needs=(2, 4))
        self._step(6, self._position, needs=(4, 5))
        self._step(7, self._time, needs=(4,), ready=not self._bundle_is_stale())
        self._step(8, self._status, needs=(4,), ready=self._clock_fits())
        self._step(9, self._disclosures, needs=(4,))

    def holder_and_policy(
        self,
        shown_items: set[int],
        identity: Mapping[str, list[str]],
        facts: Sequence[Facts],
        *,
        one_holder: bool,
    ) -> None:
        """Steps 10 and 11, which look at all presentations of one answer."""
        fits = self._clock_fits()
        self._step(
            10,
            lambda: self._holder_and_request(shown_items, identity, one_holder),
            needs=(2, 4, 9),
            ready=fits,
        )
        self._step(11, lambda: self._policy(facts), needs=(9, 10))

    def _text(self) -> None:
        self.raw = decode_any(self.data)

    def _structure(self) -> None:
        item = decode_cbor(self.raw)
        if unverified_typ(item) == Typ.PRESENTATION:
            self.presentation = presentation_of_item(item)
            self.certificate = self.presentation.certificate
        else:
            self.certificate = parse_certificate_item(item)
        self.certificate_digest = self.certificate.digest()

    def _issuer_key(self) -> None:
        certificate, directory = self._parsed(), self.trust.directory
        self._check_bundle_version()
        key = directory.key(KeyRole.CERTIFICATE, certificate.sign1.kid)
        if key is None:
            other = next((k for k in directory.keys if k.kid == certificate.sign1.kid), None)
            if other is not None:
                raise VerificationError(Reason.KEY_PURPOSE_MISMATCH, f"key {other.kid.hex()}")
            raise UndeterminedError(Reason.KEY_UNKNOWN, f"key {certificate.sign1.kid.hex()}")
        body = certificate.body
        office = directory.office(body.authority, body.office)
        if (key.authority, key.office) != (body.authority, body.office) or office is None:
            raise UndeterminedError(Reason.KEY_UNKNOWN, f"key {key.kid.hex()} is not of office {body.office}")
        region = str(body.region)
        if self.trust.environment is Environment.PRODUCTION and region.startswith(_TEST_REGION):
            raise VerificationError(Reason.KEY_ENV_TEST, "a test region in production")
        if not office.may_certify(body.type, body.region):
            raise VerificationError(Reason.TRUST_ISSUER_NOT_AUTHORISED, f"office {body.office}")
        self.key = key
        if self._bundle_is_stale():
            raise UndeterminedError(
                Reason.TRUST_BUNDLE_STALE, f"expired {self.now - self.trust.expires} s ago"
            )

    def _issuer_signature(self) -> None:
        certificate = self._parsed()
        assert self.key is not None
        verify_signature(
            public_key=self.key.public_key,
            message=certificate.sign1.to_be_signed,
            signature=certificate.sign1.signature,
        )

    def _ledger(self) -> None:
        certificate = self._parsed()
        proof = self._proof()
        if proof is None:
            raise VerificationError(Reason.LOG_INCLUSION_MISSING, "no ledger proof beside the certificate")
        log = self.trust.directory.log(proof.log)
        if log is None:
            raise UndeterminedError(Reason.LOG_UNKNOWN_ORIGIN, f"log {proof.log}")
        held = self.trust.held.logs.get(proof.log)
        self._check_checkpoint_age(held)
        # Behind a clock that is known to be slow nothing lies in the future; step 7 says so.
        now = MAX_TIME if self._behind() > CLOCK_SKEW else self.now
        self.logged, self.full_proof = verify_proof(
            proof,
            entry=encode_entry(EntryType.CERTIFICATE, certificate.body.authority, self.certificate_digest),
            origin=log.origin,
            policy=self.trust.policy,
            now=now,
            held=held,
            known=self.trust.known.checkpoints,
        )

    def _position(self) -> None:
        assert self.key is not None
        assert self.logged is not None
        check_position(self.trust.directory, self.key, log=self.logged.log, index=self.logged.index)

    def _time(self) -> None:
        body = self._parsed().body
        today = self.day // _DAY
        if self._behind() > CLOCK_SKEW:
            raise UndeterminedError(Reason.TIME_CLOCK_REGRESSED, f"{self._behind()} s behind a signed time")
        if body.expires < body.issued:
            raise VerificationError(Reason.TIME_INCONSISTENT, "expires before it is issued")
        if body.issued > (self.day + CLOCK_SKEW) // _DAY:
            raise VerificationError(Reason.TIME_ISSUED_IN_FUTURE, f"{body.issued - today} days ahead")
        self._check_milestone(body.issued)
        if body.expires < today:
            raise VerificationError(Reason.TIME_EXPIRED, f"{today - body.expires} days ago")

    def _status(self) -> None:
        body = self._parsed().body
        place = (body.authority, body.status_list)
        filed = self.filed.status_tokens.get(place)
        known = (
            self.trust.known.lists.once(place, lambda: self._verified_list(*place))
            if filed is None
            else self._verified_token(place[0], filed, demanded=False)  # filed before more was demanded
        )
        listed, uri = known.listed, status_list_uri(*place)
        if listed.uri != uri:
            raise VerificationError(Reason.STATUS_LIST_URI_MISMATCH, "the list is not the one that is named")
        self._check_list_age(uri, listed.issued, listed.expires, listed.ttl)
        self.status_digest = known.digest
        value = listed.statuses.value(body.status_index)
        self._check_not_undone(f"{uri}#", body.status_index, value)
        if value != Status.VALID:
            raise VerificationError(
                _STATUS_REASONS.get(value, Reason.STATUS_VALUE_UNKNOWN), f"status {value}"
            )

    def _verified_list(self, authority: int, number: int) -> KnownList:
        token = self.trust.status_token(authority, number)
        return self._verified_token(authority, token, demanded=self.trust.policy.pq_required)

    def _verified_token(self, authority: int, token: bytes, *, demanded: bool) -> KnownList:
        listed = parse_status_token(token)
        verify_list_signature(listed, authority=authority, directory=self.trust.directory, demanded=demanded)
        return KnownList(listed, sha256(token).digest())

    def _disclosures(self) -> None:
        certificate = self._parsed()
        body, registry = certificate.body, certificate.body.registry
        root = root_from_disclosures(registry, certificate.disclosures, certificate.multiproof)
        if root != body.claims_root:
            raise VerificationError(
                Reason.DISC_DIGEST_MISMATCH, "the shown claims do not give the signed root"
            )
        verify_openings(certificate.openings, certificate.disclosures, registry)
        for shown in certificate.disclosures:
            text = registry.claim_at(shown.slot).value_type is ValueType.TEXT
            if text and confusable_warning(str(shown.value)) is not None:
                self._note(Reason.SCHEMA_TEXT_CONFUSABLE)

    def _holder_and_request(
        self, shown_items: set[int], identity: Mapping[str, list[str]], one_holder: bool
    ) -> None:
        body = self._parsed().body
        if not isinstance(self.question, Asked):
            if self.presentation is not None:
                raise VerificationError(
                    Reason.PRES_REQUEST_MISMATCH, "an answer to a request, shown as paper"
                )
            if body.cnf is not None:
                raise VerificationError(
                    Reason.PRES_BINDING_MISSING, "bound to a key, shown without its signature"
                )
            self._note(Reason.PRES_STATIC_COPY)
            return
        self._check_request(self.question.request)
        if self.presentation is None or body.cnf is None:
            raise VerificationError(Reason.PRES_BINDING_MISSING, "no holder's signature over this request")
        self._check_holder(self.presentation, body.cnf)
        if not one_holder:
            raise VerificationError(
                Reason.PRES_SUBJECT_MISMATCH, "the presentations are of different holders"
            )
        self._check_subject(self.question, identity)
        assert self.request is not None
        retired = {at for at, item in enumerate(self.request.body.items) if self._is_retired(item)}
        missing = [at for at, _ in enumerate(self.request.body.items) if at not in shown_items | retired]
        if missing:
            raise VerificationError(
                Reason.DISC_REQUIRED_MISSING, f"items {missing} of the request are not shown"
            )
        if retired:
            self._note(Reason.TEMPLATE_RETIRED)
        self.replay_keys = self._replay_keys(self.presentation)
        if not isinstance(self.expect, Archive) and self.seen.is_used(self.replay_keys):
            raise VerificationError(Reason.PRES_NONCE_REPLAYED, "this answer was used before")

    def _policy(self, facts: Sequence[Facts]) -> None:
        if self.request is None:
            return
        body = self.request.body
        required = replace(body, items=tuple(item for item in body.items if not self._is_retired(item)))
        self.judged = judge_policies(required, facts, self.policies, now=self.day)
        refusal = refusal_of(self.judged)
        if refusal is not None:
            raise refusal

    def _is_retired(self, item: SlotsItem | PolicyItem) -> bool:
        """Whether nobody has to answer this any more, by the law that the bundle names."""
        today = day_of_question(self.day)
        return retired_template(item, self.trust.templates, today=today) is not None

    # --- parts of steps -------------------------------------------------------------------------------------

    def _proof(self) -> Proof | None:
        """The proof beside the certificate, or its completed form that was filed."""
        shown = self._parsed().proof
        return shown if shown is None else self.filed.proofs.get((shown.log, shown.index), shown)

    def _check_bundle_version(self) -> None:
        for name, held in (
            ("bundle.version", self.trust.version),
            ("targets.version", self.trust.endorsed),
        ):
            newest = self.seen.newest(name) or 0
            if held < newest:
                raise VerificationError(Reason.TRUST_BUNDLE_ROLLBACK, f"{name} {held} after {newest}")

    def _check_checkpoint_age(self, held: HeldLog | None) -> None:
        """A log that nobody cosigned for so long may be hiding; a certificate's own old proof is no fault."""
        if held is not None and held.time and self.now - held.time >= _CHECKPOINT_LIFETIME:
            raise UndeterminedError(Reason.CKPT_STALE, f"cosigned {(self.now - held.time) // _DAY} days ago")

    def _check_milestone(self, issued: int) -> None:
        """Where the entry stands in the log tells when it was made, whatever its signer says (DESIGN 3.3)."""
        if self.logged is None:
            return
        milestones = self.trust.held.milestones.get(self.logged.log)
        after = None if milestones is None else milestones.reached_before(self.logged.index)
        if (
            after is not None and after >= (issued + 2) * _DAY
        ):  # a day or more after the day of issue was over
            raise VerificationError(
                Reason.TIME_INCONSISTENT, f"logged {after // _DAY - issued} days after the date of issue"
            )

    def _bundle_is_stale(self) -> bool:
        return self.now >= self.trust.expires

    def _behind(self) -> int:
        """Seconds by which the clock is behind the newest signed time known; negative when it is ahead."""
        return self.newest_time - self.now

    def _clock_fits(self) -> bool:
        """Whether the clock can judge ages: the bundle is not over, nor a signed time known to be ahead."""
        return not self._bundle_is_stale() and self._behind() <= CLOCK_SKEW

    def _check_list_age(self, uri: str, issued: int, expires: int, ttl: int) -> None:
        if issued > self.day + CLOCK_SKEW:
            raise UndeterminedError(Reason.STATUS_LIST_FUTURE, f"{issued - self.day} s ahead")
        if self.day >= expires:
            raise UndeterminedError(Reason.STATUS_LIST_EXPIRED, f"expired {self.day - expires} s ago")
        if self.day >= issued + ttl:
            raise UndeterminedError(Reason.STATUS_LIST_STALE, f"as of {issued}")
        if issued < (self.seen.newest(uri) or 0):
            raise VerificationError(Reason.STATUS_LIST_ROLLBACK, "a newer list was seen before")
        self.seen.advance(uri, issued)

    def _check_not_undone(self, ended: str, index: int, value: int) -> None:
        """A newer list may not lift what an older one ended for good; `ended` leads the names of such places."""
        if value in _FOR_GOOD:
            self.seen.advance(ended, 1)  # asked first: most lists ended nothing that was looked at here
            self.seen.advance(f"{ended}{index}", 1)
        elif self.seen.newest(ended) and self.seen.newest(f"{ended}{index}"):
            raise VerificationError(Reason.STATUS_LIST_ROLLBACK, "a list ended it, and this one lifts that")

    def _check_request(self, data: bytes) -> None:
        """The request is the verifier's own; that it is in order is checked all the same."""
        known, directory = own_request(self.trust, data), self.trust.directory
        asker = self.trust.known.askers.once(
            bytes(data), lambda: verify_request_but_its_day(known.request, directory=directory)
        )
        check_registered_on(asker, today=self.day // _DAY)
        self.request, self.request_digest = known.request, known.digest

    def _check_holder(self, presentation: UnverifiedPresentation, cnf: bytes) -> None:
        assert self.request is not None
        body, asked = presentation.body, self.request.body
        if presentation.sign1.algorithm is not algorithm_of(cnf):
            raise VerificationError(Reason.ALG_KEY_MISMATCH, "the holder's key is of another kind")
        try:
            verify_signature(
                public_key=cnf,
                message=presentation.sign1.to_be_signed,
                signature=presentation.sign1.signature,
            )
        except ProjectError as exc:
            raise VerificationError(
                Reason.PRES_BINDING_INVALID, "not signed by the certificate's holder"
            ) from exc
        if body.audience != asked.org:
            raise VerificationError(Reason.PRES_AUDIENCE_MISMATCH, f"made for organisation {body.audience}")
        if body.request_digest != self.request_digest:
            raise VerificationError(Reason.PRES_REQUEST_MISMATCH, "an answer to another request")
        if body.issued > self.day + CLOCK_SKEW:
            raise VerificationError(Reason.TIME_ISSUED_IN_FUTURE, f"{body.issued - self.day} s ahead")
        ends = body.expires if asked.nonce is not None else min(body.expires, body.issued + COUNTER_LIFETIME)
        if self.day >= ends or body.issued > asked.expires:
            raise VerificationError(Reason.PRES_EXPIRED, f"over since {max(0, self.day - ends)} s")

    def _check_subject(self, expect: Asked, identity: Mapping[str, list[str]]) -> None:
        for claim, known in ({} if expect.subject is None else expect.subject.claims()).items():
            shown = identity.get(claim, [])
            if not all(same_text(value, known) for value in shown):
                raise VerificationError(Reason.PRES_SUBJECT_MISMATCH, f"{claim} is of another person")
            if not shown:
                raise VerificationError(
                    Reason.DISC_REQUIRED_MISSING, f"{claim} is not shown, so the person cannot be compared"
                )

    def _replay_keys(self, presentation: UnverifiedPresentation) -> tuple[bytes, ...]:
        """What is marked as used: the signed consent, and for a request with nonce (request, certificate)."""
        assert self.request is not None
        assert self.request_digest is not None
        if self.request.body.nonce is None:
            return (presentation.replay_key(),)
        return presentation.replay_key(), sha256(self.request_digest + self.certificate_digest).digest()

    def shows(self, item: SlotsItem | PolicyItem) -> bool:
        """Whether this presentation alone discloses all slots of `item`."""
        if not self._is_ok(9) or self.certificate is None:
            return False
        body, shown = self.certificate.body, {shown.slot for shown in self.certificate.disclosures}
        if isinstance(item, PolicyItem):  # whether it is answered is judged in step 11
            policy = self.policies.get(item.policy)
            # By name: a certificate of another type has no slot for such a claim.
            return policy is None or {body.registry.claim_at(slot).name for slot in shown}.issuperset(
                policy.show
            )
        return body.type is item.type and shown.issuperset(item.slots)

    @property
    def is_authentic(self) -> bool:
        """Whether what is shown leads to a signed root."""
        return self.certificate is not None and self._is_ok(9)

    def facts(self) -> Facts:
        return facts_of_certificate(self._parsed())

    def identity(self) -> Iterator[tuple[str, str]]:
        """The disclosed texts of the identity tree, by claim."""
        if self.certificate is not None and self._is_ok(9):
            registry = self.certificate.body.registry
            for shown in self.certificate.disclosures:
                if shown.slot < IDENTITY_SLOTS and isinstance(shown.value, str):
                    yield registry.claim_at(shown.slot).name, shown.value

    # --- bookkeeping ----------------------------------------------------------------------------------------

    def _step(
        self, number: int, check: Callable[[], None], *, needs: tuple[int, ...] = (), ready: bool = True
    ) -> None:
        if not ready or not self.passed.issuperset(needs):
            self.results[number] = _NOT_RUN[number]
            return
        try:
            check()
        except ConfigError:  # a memory that cannot be read or written: no memory, no verdict
            raise
        except ProjectError as exc:
            cannot_tell = verdict_of(exc.reason) is Verdict.CANNOT_TELL
            outcome = StepOutcome.CANNOT_TELL if cannot_tell else StepOutcome.NO
            self.results[number] = StepResult(number, outcome, exc.reason, exc.detail)
        else:
            self.passed.add(number)
            self.results[number] = _OK[number]

    def _is_ok(self, step: int) -> bool:
        return step in self.passed

    def _note(self, reason: Reason) -> None:
        if reason not in self.notes:
            self.notes.append(reason)

    def _parsed(self) -> UnverifiedCertificate:
        assert self.certificate is not None
        return self.certificate

    def report(self) -> Report:
        steps = tuple(self.results[number] for number in STEP_NAMES)
        outcome, reason = judge(steps)
        certificate = self.certificate
        return Report(
            outcome=outcome,
            reason=reason,
            steps=steps,
            certificate=self._view() if self._is_ok(4) else None,
            disclosed=certificate.disclosures if certificate is not None and self._is_ok(9) else (),
            openings=certificate.openings if certificate is not None and self._is_ok(9) else (),
            notes=tuple(self.notes),
            policies=self.judged,
            trust=self.trust.facts,
            evidence=Evidence(
                certificate_digest=None if certificate is None else self.certificate_digest,
                request_digest=self.request_digest,
                status_list_digest=self.status_digest,
                checkpoint_root=None if self.logged is None else self.logged.root_hash,
                checkpoint_size=None if self.logged is None else self.logged.size,
                proof=self.full_proof,
            ),
        )

    def _view(self) -> CertificateView:
        body = self._parsed().body
        authority = self.trust.directory.authority(body.authority)
        office = self.trust.directory.office(body.authority, body.office)
        assert authority is not None
        assert office is not None
        return CertificateView(body, authority, office)


_NOTHING_FILED = Filed()
_OK = {number: StepResult(number, StepOutcome.OK) for number in STEP_NAMES}
_NOT_RUN = {number: StepResult(number, StepOutcome.NOT_RUN) for number in STEP_NAMES}
_FOR_GOOD = (Status.REVOKED, Status.REPLACED)
_STATUS_REASONS = {
    int(Status.REVOKED): Reason.STATUS_REVOKED,
    int(Status.SUSPENDED): Reason.STATUS_SUSPENDED,
    int(Status.REPLACED): Reason.STATUS_REPLACED,
}


def own_request(trust: TrustBundle, data: bytes) -> KnownRequest:
    """The verifier's own request, parsed once per bundle. Raises FormatError."""

    def known() -> KnownRequest:
        request = parse_request(data)
        return KnownRequest(request, request.digest())

    return trust.known.requests.once(bytes(data), known)
