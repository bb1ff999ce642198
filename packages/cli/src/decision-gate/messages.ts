import { type Command, type Help, Option } from 'commander';
import { helpText, TITLES_CA, TRANSLATED } from './help-ca.ts';
import { ca } from './messages-ca.ts';
import { en, type Messages } from './messages-en.ts';

/** Languages that the command line speaks. What servers answer stays as it came. */
export const LANGUAGES = ['en', 'ca'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Variable that names the language where `--lang` does not. */
const LANGUAGE_VARIABLE = 'DECISION_GATE_LANG';

const MESSAGES = { en, ca } as const satisfies Record<Language, Messages>;

/**
 * The language that is asked for: `--lang`, else the environment, else English. It has to be known before the words are
 * parsed, since help and complaints about them are in it. Throws when it is one that nobody speaks here.
 */
export function languageOf(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Language {
  const asked = flagOf(words) ?? environment[LANGUAGE_VARIABLE] ?? 'en';
  const language = LANGUAGES.find((one) => one === asked);
  if (language === undefined) throw new Error(en.unknownLanguage(asked));
  return language;
}

function flagOf(words: readonly string[]): string | undefined {
  // What stands behind `--` are words for another program.
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const at = own.findIndex((word) => word === '--lang' || word.startsWith('--lang='));
  const word = own[at];
  return word === '--lang' ? own[at + 1] : word?.slice('--lang='.length);
}

export function messagesOf(language: Language): Messages {
  return MESSAGES[language];
}

/** The messages of the program that a command belongs to, as {@link localize} left it. */
export function messagesIn(command: Command): Messages {
  const language = command.optsWithGlobals()['lang'] as Language | undefined;
  return messagesOf(language ?? 'en');
}

/**
 * Gives a program, with all its commands, the help texts of a language, and says on stderr that a translation is one.
 * Texts that the catalogue does not have stay English. It comes after the last command was added.
 */
export function localize(program: Command, language: Language): void {
  acceptLanguage(program, false);
  program.setOptionValue('lang', language);
  if (language === 'en') return;
  process.stderr.write(`${messagesOf(language).translationNotice}\n`);
  translate(program);
}

/** `--lang` may stand anywhere; {@link languageOf} has read it. */
function acceptLanguage(command: Command, hidden: boolean): void {
  // Options of a program end where a command begins, or it would take `--version` of a command for its own.
  command.enablePositionalOptions();
  if (!command.options.some(({ long }) => long === '--lang')) {
    const option = new Option('--lang <language>', helpText('language of help and messages'));
    command.addOption(option.choices(LANGUAGES).hideHelp(hidden));
  }
  for (const inner of command.commands) acceptLanguage(inner, true);
}

function translate(command: Command): void {
  command.helpOption('-h, --help', inCatalan('display help for command'));
  if (command.commands.length > 0) {
    command.helpCommand('help [command]', inCatalan('display help for command'));
  }
  command.configureHelp({ ...command.configureHelp(), ...HELP_IN_CATALAN });
  const english = command.configureOutput();
  command.configureOutput({
    outputError: (text, write) => {
      const translated = complaintInCatalan(text);
      if (english.outputError === undefined) write(translated);
      else english.outputError(translated, write);
    },
  });
  command.commands.forEach(translate);
}

const HELP_IN_CATALAN: Partial<Help> = {
  commandDescription: (command) => inCatalan(command.description()),
  subcommandDescription: (command) => inCatalan(command.summary() || command.description()),
  argumentDescription: (argument) => inCatalan(argument.description),
  optionDescription: ({ description, argChoices, defaultValue, negate }) => {
    const notes = [
      ...(argChoices === undefined ? [] : [`opcions: ${argChoices.join(', ')}`]),
      ...(defaultValue === undefined || typeof defaultValue === 'boolean' || negate
        ? []
        : [`per defecte: ${String(defaultValue)}`]),
    ];
    const text = inCatalan(description);
    return notes.length === 0 ? text : `${text} (${notes.join('; ')})`;
  },
  styleTitle: (title) => TITLES_CA[title] ?? title,
};

function inCatalan(text: string): string {
  return TRANSLATED.get(text) ?? text;
}

/** What the parser of the words says about wrong ones: a fixed form around words of the caller. */
const COMPLAINTS: readonly (readonly [RegExp, string])[] = [
  [/^error: unknown option (.*)$/m, 'error: opció desconeguda: $1'],
  [/^error: unknown command (.*)$/m, 'error: ordre desconeguda: $1'],
  [/^error: required option (.*) not specified$/m, 'error: falta l’opció obligatòria $1'],
  [/^error: missing required argument (.*)$/m, 'error: falta l’argument obligatori $1'],
  [/^error: option (.*) argument missing$/m, 'error: falta el valor de l’opció $1'],
  [
    /^error: option (.*) argument (.*) is invalid\. Allowed choices are (.*)\.$/m,
    'error: el valor $2 de l’opció $1 no és vàlid; opcions: $3.',
  ],
  [
    /^error: option (.*) argument (.*) is invalid\. (.*)$/m,
    'error: el valor $2 de l’opció $1 no és vàlid: $3',
  ],
  [/^error: too many arguments.*$/m, 'error: hi ha massa arguments'],
  [
    /^error: option (.*) cannot be used with option (.*)$/m,
    'error: l’opció $1 no es pot fer servir amb l’opció $2',
  ],
  [/^\(Did you mean (.*)\?\)$/m, '(Volíeu dir $1?)'],
];

function complaintInCatalan(text: string): string {
  return COMPLAINTS.reduce((said, [form, words]) => said.replace(form, words), text);
}
