"""Modules that `import farm` loads."""

import subprocess
import sys

LOADED = "print(sorted({'torch', 'ray', 'diffusers', 'pyarrow', 'pydantic', 'numpy'} & set(sys.modules)))"


def output_of(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_farm_loads_none_of_its_libraries():
    assert output_of(f"import sys, farm; farm.open; {LOADED}") == "[]"


def test_opening_a_job_loads_neither_torch_nor_ray(tmp_path):
    program = (
        "import sys, farm\n"
        f"try: farm.open({str(tmp_path)!r})\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(sorted({'torch', 'ray', 'diffusers'} & set(sys.modules)))"
    )
    assert output_of(program) == "UsageError\n[]"
