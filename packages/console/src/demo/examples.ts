import type { Form } from './request.ts';

/** A situation to try with one press. */
export interface Example {
  readonly name: string;
  /** What happens in it, as a sentence. */
  readonly situation: string;
  readonly form: Form;
}

const BLANK: Form = {
  senderName: '',
  senderEmail: '',
  recipientEmail: 'james@oakfield.example',
  subject: '',
  body: '',
  actionType: 'reply',
  draft: '',
  origin: 'human',
  ownDomains: '',
  protectedNames: '',
};

/** The use cases that the communication door was made for, and a message in which there is nothing. */
export const EXAMPLES: readonly [Example, ...Example[]] = [
  {
    name: 'Bank details',
    situation: 'A supplier writes that its account has changed; the record is about to be updated.',
    form: {
      ...BLANK,
      senderName: 'Mira Holt',
      senderEmail: 'accounts@ridgeway-timber.example',
      subject: 'Bank details',
      body: 'Dear James,\n\nPlease note that our bank account has changed. Kindly pay all future invoices to the new account below.\n\nIBAN: GB33BUKB20201555555555\n\nKind regards\nMira Holt',
      actionType: 'update_record',
    },
  },
  {
    name: 'Urgent payment',
    situation:
      'Somebody with the name of the chief executive wants money to leave within the hour.',
    form: {
      ...BLANK,
      senderName: 'Eleanor Finch',
      senderEmail: 'eleanor.finch.office@gmail.com',
      subject: 'Urgent',
      body: 'James, please pay the attached invoice within the hour. This is a direct instruction from me as chief executive. I am in a meeting and cannot be called. Keep this confidential.',
      ownDomains: 'oakfield.example',
      protectedNames: 'Eleanor Finch',
    },
  },
  {
    name: 'Happy to proceed?',
    situation: 'A reply is about to be written that could be read as agreement to unseen terms.',
    form: {
      ...BLANK,
      senderName: 'Tom',
      senderEmail: 'tom@harbourline.example',
      subject: 'Are you happy to proceed?',
      body: 'Hi James, are you happy to proceed? Please confirm today. The agreement for signature will follow.',
    },
  },
  {
    name: 'AI writes outside',
    situation: 'An AI agent is about to confirm a delivery to a customer and to cover losses.',
    form: {
      ...BLANK,
      senderName: 'Tom Ash',
      senderEmail: 'tom@harbourline.example',
      body: 'Hello James, how are things going with our order?',
      actionType: 'send',
      draft:
        'We confirm full delivery by 12 March and accept your terms. We will cover any losses that you may have.',
      origin: 'ai_generated',
    },
  },
  {
    name: 'Refund',
    situation: 'A support agent is about to promise money back and to waive a fee.',
    form: {
      ...BLANK,
      senderName: 'Dana Reed',
      senderEmail: 'dana@reedmail.example',
      body: 'Hello, my parcel arrived late this week.',
      draft: 'We are sorry to hear that. We will give you a full refund and waive the late fee.',
      origin: 'ai_generated',
    },
  },
  {
    name: 'New supplier',
    situation: 'A supplier is to be approved today, and its papers are to follow.',
    form: {
      ...BLANK,
      senderName: 'Petra Lund',
      senderEmail: 'petra@lund-supplies.example',
      body: 'Hi James, please set up Lund Supplies as a new vendor today so that the invoice can go through. The tax form will follow later.',
      actionType: 'approve',
    },
  },
  {
    name: 'Harmless',
    situation: 'A colleague looks forward to lunch.',
    form: {
      ...BLANK,
      senderName: 'Tom Ash',
      senderEmail: 'tom@harbourline.example',
      body: 'Thanks, see you at lunch',
    },
  },
];
