// Checks state machines as editors do: check.js DEFINITION…
// Prints one JSON object: for each definition the findings, each with the name of the check that made it.
const { readFileSync } = require('node:fs');
const asl = require('asl-validator');
const { getLanguageService } = require('amazon-states-language-service');
const { TextDocument } = require('vscode-languageserver-textdocument');

async function check(path) {
  const text = readFileSync(path, 'utf8');
  const { errors } = asl(JSON.parse(text), { checkPaths: true, checkArn: true });
  const found = errors.map((it) => ({ check: 'asl-validator', problem: `${it['Error code']} ${it.Message}` }));
  const document = TextDocument.create('inmemory://definition.asl.json', 'json', 1, text);
  const service = getLanguageService({});
  const problems = await service.doValidation(document, service.parseJSONDocument(document));
  return found.concat(problems.map((it) => ({ check: 'language service', problem: it.message })));
}

(async () => {
  const all = {};
  for (const path of process.argv.slice(2)) {
    all[path] = await check(path);
  }
  process.stdout.write(JSON.stringify(all));
})();
