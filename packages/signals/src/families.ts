import { type Direction, FAMILIES, type Family, type Severity } from './model.ts';

/** What a code means: its family, how grave it is when asserted in plain sight, and who has to say it. */
export interface CodeRow {
  readonly family: Family;
  readonly severity: Severity;
  /** `inbound`: said to us; `outbound`: said by our draft; `none`: by either. */
  readonly direction: Direction;
}

const rows = (
  family: Family,
  direction: Direction,
  codes: Readonly<Record<string, Severity>>,
): Readonly<Record<string, CodeRow>> =>
  Object.fromEntries(
    Object.entries(codes).map(([code, severity]) => [code, { family, severity, direction }]),
  );

/** Every code that a signal can carry. */
export const CODES: Readonly<Record<string, CodeRow>> = {
  ...rows('F01', 'none', {
    'payment.bank_details_changed': 'critical',
    'payment.use_new_account': 'high',
    'payment.new_account_identifier': 'high',
    'payment.payroll_diversion': 'critical',
    'payment.refund_to_other_account': 'high',
    'payment.account_name_mismatch': 'high',
    'payment.details_mention': 'low',
  }),
  ...rows('F02', 'none', {
    'payment.urgent_payment_request': 'high',
    'payment.payment_request': 'medium',
    'payment.unusual_instrument': 'critical',
    'payment.bypass_process': 'critical',
    'payment.advance_or_deposit': 'medium',
    'payment.overdue_threat': 'medium',
    'payment.mention': 'low',
  }),
  ...rows('F03', 'none', {
    'authority.senior_name_leverage': 'high',
    'authority.claimed_mandate': 'medium',
    'authority.unverifiable_approval': 'high',
    'authority.role_title': 'low',
    'authority.limit_exceeded': 'high',
  }),
  ...rows('F04', 'outbound', {
    'commitment.acceptance_made': 'high',
    'commitment.delivery_promise': 'high',
    'commitment.purchase_order': 'high',
    'commitment.price_agreed': 'high',
    'commitment.bare_affirmation': 'medium',
  }),
  ...rows('F04', 'inbound', {
    'commitment.acceptance_requested': 'medium',
    'commitment.logistics_request': 'low',
    'commitment.negative_option': 'high',
  }),
  ...rows('F05', 'outbound', { 'liability.assumed': 'high', 'liability.guarantee': 'high' }),
  ...rows('F05', 'inbound', { 'liability.requested': 'medium' }),
  ...rows('F05', 'none', {
    'scope.extension': 'medium',
    'scope.penalty_terms': 'medium',
    'scope.exclusivity_or_term': 'medium',
  }),
  ...rows('F06', 'none', {
    'deadline.extreme': 'high',
    'deadline.same_day': 'low',
    'deadline.dated': 'info',
    'pressure.repeated_chasing': 'medium',
    'pressure.scarcity': 'medium',
    'pressure.emotional': 'low',
  }),
  ...rows('F07', 'outbound', {
    'concession.refund_promised': 'high',
    'concession.credit_promised': 'high',
    'concession.waiver_promised': 'high',
    'concession.exception_promised': 'high',
  }),
  ...rows('F07', 'inbound', { 'concession.requested': 'medium' }),
  ...rows('F07', 'none', { 'concession.policy_statement': 'low' }),
  ...rows('F08', 'none', {
    'onboarding.vendor_setup': 'high',
    'onboarding.record_change': 'medium',
    'onboarding.documents_deferred': 'high',
    'onboarding.expedite': 'medium',
    'onboarding.ownership_change': 'medium',
  }),
  ...rows('F09', 'outbound', {
    'disclosure.secret_in_draft': 'critical',
    'disclosure.personal_data_in_draft': 'high',
    'disclosure.confidential_marker': 'high',
    'disclosure.wrong_audience': 'high',
  }),
  ...rows('F09', 'inbound', {
    'disclosure.requested': 'medium',
    'disclosure.bulk_request': 'high',
  }),
  ...rows('F10', 'outbound', {
    'claim.performance': 'medium',
    'claim.health_safety_finance': 'high',
    'claim.about_third_party': 'high',
    'claim.crisis_statement': 'high',
  }),
  ...rows('F10', 'inbound', { 'claim.relied_on_inbound': 'medium' }),
  ...rows('F11', 'none', {
    'credential.password_or_code': 'critical',
    'credential.login_link': 'critical',
    'credential.link_mismatch': 'high',
    'credential.form_in_message': 'critical',
    'credential.mfa_fatigue': 'high',
    'credential.dangerous_attachment': 'high',
  }),
  ...rows('F12', 'inbound', {
    'legal.threat': 'high',
    'legal.notice': 'high',
    'legal.settlement': 'high',
    'legal.preservation': 'medium',
  }),
  ...rows('F12', 'outbound', { 'legal.admission_in_draft': 'high' }),
  ...rows('F13', 'inbound', {
    'signature.request_present': 'high',
    'signature.link': 'medium',
    'signature.announced': 'low',
    'signature.version_change': 'high',
  }),
  ...rows('F13', 'outbound', { 'signature.draft_signed': 'high' }),
  ...rows('F14', 'outbound', {
    'attribution.statement_to_person': 'medium',
    'attribution.on_behalf': 'medium',
  }),
  ...rows('F14', 'inbound', { 'attribution.inbound_claimed_words': 'medium' }),
  ...rows('F15', 'none', {
    'identity.reply_to_mismatch': 'high',
    'identity.return_path_mismatch': 'medium',
    'identity.display_name_spoof': 'high',
    'identity.display_name_address': 'high',
    'identity.lookalike_domain': 'critical',
    'identity.freemail_for_business': 'medium',
    'identity.authentication_failed': 'high',
    'identity.authentication_absent': 'info',
    'identity.first_contact': 'low',
    'identity.mid_thread_change': 'high',
    'identity.address_malformed': 'medium',
    'identity.mixed_script': 'high',
    'identity.subdomain_deception': 'high',
    'identity.recipient_anomaly': 'low',
  }),
  ...rows('F16', 'none', {
    'manipulation.instruction_to_system': 'critical',
    'manipulation.forged_response': 'critical',
    'manipulation.forged_verification': 'high',
    'manipulation.context_break': 'high',
    'manipulation.policy_quote': 'medium',
    'manipulation.discussion': 'info',
  }),
  ...rows('F17', 'none', {
    'hidden.css': 'medium',
    'hidden.colour': 'medium',
    'hidden.comment_or_metadata': 'low',
    'hidden.payload': 'critical',
    'hidden.ratio': 'high',
    'hidden.tag_characters': 'critical',
    'hidden.text_html_divergence': 'high',
    'obfuscation.nested_encoding': 'medium',
    'obfuscation.control_characters': 'medium',
    'obfuscation.zero_width': 'medium',
    'obfuscation.bidi_override': 'high',
    'obfuscation.compatibility_letters': 'medium',
    'obfuscation.homoglyph': 'medium',
    'obfuscation.spaced_letters': 'medium',
    'obfuscation.leet': 'medium',
    'opacity.document_unread': 'low',
    'opacity.image_only': 'medium',
    'opacity.language_unsupported': 'info',
    'opacity.link_unparsable': 'medium',
    'opacity.encoded_block': 'medium',
  }),
  ...rows('F18', 'none', {
    'channel.secrecy': 'high',
    'channel.no_callback': 'high',
    'channel.move': 'medium',
    'channel.reply_here_only': 'medium',
  }),
};

/** Families whose findings stop outright; a disguise around one of their words is graver than around another. */
export const STOP_FAMILIES: ReadonlySet<Family> = new Set(['F01', 'F11', 'F16']);

/** Families that need a lexicon of the language in which the text is written. */
export const LEXICON_FAMILIES: readonly Family[] = FAMILIES.filter(
  (family) => family !== 'F15' && family !== 'F17',
);
