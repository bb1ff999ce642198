import type { Findings } from './findings.ts';
import { submittedSpan } from './mapped-text.ts';
import type { Reading } from './reading.ts';

/** Members of an answer of this gate with what would open it, and names that only its answers bear. */
const ANSWER =
  /["']?action_gate["']?\s{0,9}[:=]\s{0,9}(?:\{\s{0,9}["']?\w{1,30}["']?\s{0,9}[:=]\s{0,9})?["']?(?:true|green|allow)|(?:["']allowed["']|\ballowed_to_insert["']?)\s{0,9}[:=]\s{0,9}["']?true\b|["'](?:traffic_light|signal)["']\s{0,9}:\s{0,9}\{[^{}]{0,80}["']green["']|["']?(?:approval_required|requires_human_review)["']?\s{0,9}[:=]\s{0,9}["']?false\b|\bppk_[A-Za-z0-9]{6,40}\b/gi;
/** Marks by which chat formats tell roles apart. */
const ROLE =
  /<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|end_header_id|eot_id)\|>|\[\/?INST\]|<<\/?SYS>>|<\/?(?:system|assistant)(?:[_-](?:prompt|message))?>|^[ \t]{0,6}#{2,4}[ \t]{0,3}(?:system|assistant)(?: (?:message|prompt))?[ \t]{0,3}:|^[ \t]{0,6}system (?:message|prompt)[ \t]{0,3}:/gim;
/** A message ends, says the message. */
const SEPARATOR =
  /^[\t #*=_~<[(-]{2,40}(?:end|begin|start|ende|beginn|fin|fine|inicio|inizio|einde|fim)[ _](?:of|der|des|du|de|del|della|van|do|da)[ _](?:the |la |el |il |l')?(?:message|email|e-mail|mail|user|input|prompt|document|conversation|transcript|context|instructions?|untrusted|data|nachricht|mensaje|messaggio|bericht|mensagem)\b[^\n]{0,40}$/gim;

/** Looks for texts that pose as an answer of this gate, as another role, or as the end of the message. */
export function findForgeries(reading: Reading, findings: Findings): void {
  const { pointer, direction, kind, readings } = reading;
  const { plain } = readings;
  const report = (code: string, pattern: RegExp): void => {
    for (const { index, 0: found } of plain.text.matchAll(pattern)) {
      findings.add({
        code,
        pointer,
        span: submittedSpan(plain, index, index + found.length),
        segment: kind,
        direction,
        view: kind === 'hidden' ? 'VH' : 'V1',
        detector: 'forgeries',
      });
    }
  };
  report('manipulation.forged_response', ANSWER);
  report('manipulation.forged_response', ROLE);
  report('manipulation.context_break', SEPARATOR);
}
