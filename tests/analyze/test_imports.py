import subprocess
import sys


def test_the_pure_parts_load_neither_torch_nor_transformers() -> None:
    program = (
        "import sys, farm.analyze\n"
        "from farm.analyze import columns_of, insights_of, open_analyzer, sharpness\n"
        "print(sorted({'torch', 'transformers', 'torchmetrics', 'diffusers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
