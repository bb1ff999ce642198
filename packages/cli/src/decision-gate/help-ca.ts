import { TOOL_NAMES, type ToolName, tools } from '@countersign/contract';

/** Help texts by their English form. `HelpText` is what commands may say, so a text without translation does not compile. */
const HELP_CA = {
  'display help for command': 'mostra l’ajuda de l’ordre',
  'Write, verify and read runs as bundles of files':
    'Escriu, verifica i llegeix execucions com a paquets de fitxers',
  'Make a bundle of a scenario and a run that lie in files':
    'Fa un paquet d’un escenari i una execució que són en fitxers',
  'the run, as `store export` writes it': 'l’execució, tal com l’escriu `store export`',
  'where the bundle goes': 'on va el paquet',
  'name of its manifest': 'nom del seu manifest',
  'verify it, and make the report part of it': 'el verifica i hi inclou l’informe',
  'its date; now without it': 'la seva data; sense l’opció, ara',
  'also put it into the object store of the configuration':
    'el desa també al magatzem d’objectes de la configuració',
  'Verify a bundle offline; the exit code is 1 when it fails':
    'Verifica un paquet sense connexió; el codi de sortida és 1 si falla',
  'manifest of the bundle': 'manifest del paquet',
  'its directory; that of the manifest without it':
    'el seu directori; sense l’opció, el del manifest',
  'check all that it says of itself, and its signature':
    'comprova tot el que diu d’ell mateix, i la signatura',
  'evaluate gates and decisions anew from the evidence':
    'torna a avaluar portes i decisions a partir de l’evidència',
  'trusted receipt key (PEM)': 'clau de rebuts de confiança (PEM)',
  'trusted ledger key': 'clau del registre de confiança',
  'trusted keys, as a server publishes them': 'claus de confiança, tal com les publica un servidor',
  'read it from the object store; --manifest is its s3:// address':
    'el llegeix del magatzem d’objectes; --manifest és l’adreça s3://',
  'Write indented copies for people; they do not verify any more':
    'Escriu còpies sagnades per a persones; ja no es poden verificar',
  'where the copies go': 'on van les còpies',
  'Print the public keys of a server, for those who verify its bundles':
    'Mostra les claus públiques d’un servidor, per a qui en verifica els paquets',
  'output the version number': 'mostra el número de versió',
  'A decision gate for scenarios: stages, gates and evidence, over JSON-RPC.':
    'Una porta de decisió per a escenaris: etapes, portes i evidència, per JSON-RPC.',
  'language of help and messages: en or ca': 'llengua de l’ajuda i dels missatges: en o ca',
  'Run the server': 'Executa el servidor',
  'let other machines reach the server': 'deixa que altres màquines arribin al servidor',
  'Look at configurations': 'Mira configuracions',
  'Say whether a configuration can be used': 'Diu si una configuració es pot fer servir',
  'the configuration; decision-gate.toml without it':
    'la configuració; sense l’opció, decision-gate.toml',
  'write the hash of the output there': 'escriu-hi el resum criptogràfic de la sortida',
  'write an Ed25519 signature over the output there':
    'escriu-hi una signatura Ed25519 de la sortida',
  'key to sign with: 32 bytes, raw or in base64': 'clau per signar: 32 bytes, en brut o en base64',
  'Check and normalize scenarios before a server sees them':
    'Comprova i normalitza escenaris abans que els vegi un servidor',
  'Say whether a scenario is sound': 'Diu si un escenari és correcte',
  'Write the canonical text of a scenario, which its hash is taken of':
    'Escriu el text canònic d’un escenari, del qual es calcula el resum',
  'file to write; standard output without it':
    'fitxer de sortida; sense l’opció, la sortida estàndard',
  'the scenario, or - for standard input': 'l’escenari, o - per a l’entrada estàndard',
  'how it is written; by its extension without this':
    'com és escrit; sense l’opció, segons l’extensió',
  'how the server is reached': 'com s’arriba al servidor',
  'the server; the presets’ http://127.0.0.1:4000/rpc without it':
    'el servidor; sense l’opció, http://127.0.0.1:4000/rpc, el de les configuracions predefinides',
  'the same as --endpoint': 'el mateix que --endpoint',
  'program to start as the server': 'programa que s’inicia com a servidor',
  'its words; the option again for one with a dash':
    'els seus arguments; repetiu l’opció per a un que comenci amb guionet',
  'variables of its environment': 'variables del seu entorn',
  'its configuration': 'la seva configuració',
  'how long an answer may take': 'quant pot trigar una resposta',
  'token to show': 'testimoni que es presenta',
  'subject to name, behind a proxy that checks it':
    'subjecte que s’indica, darrere d’un servidor intermediari que el comprova',
  'token and subject from the configuration': 'testimoni i subjecte de la configuració',
  'configuration that has the profile': 'configuració que conté el perfil',
  'Search and read the documentation of a running server':
    'Cerca i llegeix la documentació d’un servidor en marxa',
  'Print the sections that fit best': 'Mostra les seccions que més s’hi adiuen',
  'what to look for; empty for an overview': 'què s’ha de cercar; buit per a una visió general',
  'how many at most': 'quants com a màxim',
  'Exercise a running server, whoever made it': 'Prova un servidor en marxa, sigui de qui sigui',
  'Define a scenario, start a run, trigger it and report what came of it':
    'Defineix un escenari, comença una execució, l’activa i informa del resultat',
  'the scenario': 'l’escenari',
  'the run': 'l’execució',
  'the trigger': 'l’activador',
  'let the first stage disclose its packets': 'deixa que la primera etapa lliuri els seus paquets',
  'status that the run must have at the end': 'estat que ha de tenir l’execució al final',
  'file for the report; standard output without it':
    'fitxer per a l’informe; sense l’opció, la sortida estàndard',
  'instant; that of the trigger without it': 'instant; sense l’opció, el de l’activador',
  'Call the tools and read the resources of a running server':
    'Crida les eines i llegeix els recursos d’un servidor en marxa',
  'List and call tools by name': 'Llista i crida eines pel seu nom',
  'Print the tools with their schemas': 'Mostra les eines amb els seus esquemes',
  'Call a tool': 'Crida una eina',
  'name of the tool': 'nom de l’eina',
  'Call a tool by its own sub-command': 'Crida una eina amb la seva pròpia subordre',
  'List and read resources': 'Llista i llegeix recursos',
  'Print the resources of the server': 'Mostra els recursos del servidor',
  'Print one resource': 'Mostra un recurs',
  'URI of the resource': 'URI del recurs',
  'arguments of the tool, as JSON': 'arguments de l’eina, en JSON',
  'file with them, or - for standard input': 'fitxer que els conté, o - per a l’entrada estàndard',
  'send them without a look at the published schema': 'els envia sense mirar l’esquema publicat',
  'language of help and messages': 'llengua de l’ajuda i dels missatges',
  'Register and look up data shapes on a running server':
    'Registra i consulta formes de dades en un servidor en marxa',
  'Register a version of a data shape, for good':
    'Registra per sempre una versió d’una forma de dades',
  'Print registered data shapes': 'Mostra les formes de dades registrades',
  'next_token of the page before': 'next_token de la pàgina anterior',
  'Print one version of a data shape': 'Mostra una versió d’una forma de dades',
  'id of the data shape': 'identificador de la forma de dades',
  'its version': 'la seva versió',
  tenant: 'inquilí',
  namespace: 'espai de noms',
  'Look after the database in which runs are kept':
    'Té cura de la base de dades on es desen les execucions',
  'Print the runs, the newest first': 'Mostra les execucions, primer la més recent',
  'Print a run as it is stored': 'Mostra una execució tal com està desada',
  'Write a run as it is stored to a file': 'Escriu en un fitxer una execució tal com està desada',
  'file to write': 'fitxer de sortida',
  'Compare a run with the hash beside it': 'Compara una execució amb el resum que té al costat',
  'Delete all but the latest versions': 'Esborra totes les versions menys les darreres',
  'how many versions stay': 'quantes versions queden',
  'only say how many versions it would be': 'només diu quantes versions serien',
  'configuration that names the database': 'configuració que indica la base de dades',
  'the database itself': 'la base de dades mateixa',
  run: 'execució',
  'a version; the latest without it': 'una versió; sense l’opció, la darrera',
  'form of the answer': 'forma de la resposta',
  'Print the providers and their checks': 'Mostra els proveïdors i les seves comprovacions',
  'What a provider promises': 'El que promet un proveïdor',
  'Print the contract of a provider': 'Mostra el contracte d’un proveïdor',
  'the provider': 'el proveïdor',
  'What a check takes and gives': 'El que rep i dona una comprovació',
  'Print the schemas of one check': 'Mostra els esquemes d’una comprovació',
  'the check': 'la comprovació',
  'Look at providers of evidence, make one, and check one':
    'Mira els proveïdors d’evidència, en fa un i en comprova un',
  'Write a provider that works, to build on':
    'Escriu un proveïdor que funciona, com a punt de partida',
  'id of the provider': 'identificador del proveïdor',
  'where to; a directory of its name without this':
    'on; sense l’opció, un directori amb el seu nom',
  'Ask a provider what a server would ask, and say where it fails':
    'Pregunta a un proveïdor el que preguntaria un servidor i diu on falla',
  'words of the command, after --': 'arguments del programa, després de --',
  'contract of the provider': 'contracte del proveïdor',
  'program to start, and its words': 'programa que s’inicia, amb els seus arguments',
  'configuration of the server': 'configuració del servidor',
  'Fetch content that packets refer to, and compare it with its hash':
    'Obté el contingut a què es refereixen els paquets i el compara amb el seu resum',
  'Print the content of a reference': 'Mostra el contingut d’una referència',
  'Fetch the content of a packet and print receipts':
    'Obté el contingut d’un paquet i mostra els rebuts',
  'what is asked for (JSON), or - for standard input':
    'el que es demana (JSON), o - per a l’entrada estàndard',
  'directory that files must be in': 'directori on han de ser els fitxers',
  'only these hosts; *.example.com covers all below':
    'només aquests amfitrions; *.example.com inclou tots els de sota',
  'these hosts never': 'aquests amfitrions mai',
  'also addresses of this machine and private networks':
    'també adreces d’aquesta màquina i de xarxes privades',
} as const satisfies Readonly<Record<string, string>>;

export type HelpText = keyof typeof HELP_CA;

/** A text of a help page, in English. It is the key to its translations. */
export function helpText(text: HelpText): HelpText {
  return text;
}

/** The sub-commands that are tools say what servers say of them. */
const TOOLS_CA: Readonly<Record<ToolName, string>> = {
  scenario_define:
    'Registra un escenari: etapes, portes i condicions. Una definició no canvia mai; el seu resum l’anomena.',
  scenario_start: 'Comença una execució d’un escenari i en retorna l’estat.',
  scenario_status:
    'Diu on és una execució, amb la darrera decisió i el que espera. L’execució pren nota de la pregunta.',
  scenario_next:
    'Demana de continuar: recull evidència, avalua les portes de l’etapa i retorna la decisió registrada.',
  scenario_submit:
    'Desa un contingut amb una execució, per a l’arxiu. Mai no compta com a evidència.',
  scenario_trigger:
    'Deixa que un esdeveniment avaluï una execució; un `tick` també pot exhaurir el temps d’una etapa.',
  evidence_query: 'Fa una comprovació d’un proveïdor, fora de cap execució.',
  runpack_export:
    'Escriu una execució com a conjunt de fitxers canònics que un tercer pot verificar sense connexió.',
  runpack_verify: 'Verifica un conjunt de fitxers que és al servidor i en retorna l’informe.',
  providers_list: 'Anomena els proveïdors d’evidència i les seves comprovacions.',
  provider_contract_get: 'Retorna el contracte d’un proveïdor i el seu resum.',
  provider_check_schema_get: 'Retorna el que rep i dona una comprovació.',
  schemas_register: 'Registra per sempre un JSON Schema amb un identificador i una versió.',
  schemas_list: 'Llista els esquemes registrats d’un espai de noms, pàgina a pàgina.',
  schemas_get: 'Retorna una versió d’un esquema registrat.',
  scenarios_list: 'Llista els escenaris d’un espai de noms oberts a un inquilí, pàgina a pàgina.',
  precheck:
    'Avalua una etapa amb l’evidència que afirma qui crida. No es registra res ni es pregunta a cap proveïdor.',
  decision_gate_docs_search:
    'Cerca en la documentació d’aquest servidor i retorna les seccions que més s’hi adiuen.',
};

/** What takes the place of an English help text. */
export const TRANSLATED: ReadonlyMap<string, string> = new Map([
  ...Object.entries(HELP_CA),
  ...TOOL_NAMES.map((name): [string, string] => [tools[name].description, TOOLS_CA[name]]),
]);

/** Titles of the parts of a help page. */
export const TITLES_CA: Readonly<Record<string, string>> = {
  'Usage:': 'Ús:',
  'Arguments:': 'Arguments:',
  'Options:': 'Opcions:',
  'Global Options:': 'Opcions globals:',
  'Commands:': 'Ordres:',
};
