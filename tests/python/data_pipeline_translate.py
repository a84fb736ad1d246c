"""Translates a definition of AWS Data Pipeline as AWS's own command line does: the file's form on standard input, the
API's form on standard output."""

import json
import sys
import types

# The translator imports it for what it prints, which is not used here.
clidriver = types.ModuleType("awscli.clidriver")
clidriver.CLIOperationCaller = None
sys.modules["awscli.clidriver"] = clidriver
package = types.ModuleType("awscli.customizations.datapipeline")
package.__path__ = []
sys.modules["awscli.customizations.datapipeline"] = package


def translator():
    import importlib.util
    import pathlib

    import awscli

    path = pathlib.Path(awscli.__path__[0]) / "customizations" / "datapipeline" / "translator.py"
    spec = importlib.util.spec_from_file_location("translator", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


translator = translator()
definition = json.load(sys.stdin)
api = {
    "pipelineObjects": translator.definition_to_api_objects(definition),
    "parameterObjects": translator.definition_to_api_parameters(definition),
    "parameterValues": translator.definition_to_parameter_values(definition),
}
json.dump({key: value for key, value in api.items() if value is not None}, sys.stdout)
