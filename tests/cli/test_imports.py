"""Checking and planning start without the libraries of rendering, which take seconds to import."""

import subprocess
import sys


def test_check_and_plan_import_neither_torch_nor_ray(tmp_path, write_manifest):
    write_manifest(pretrained="tiny-world")
    code = (
        "import sys\n"
        "from farm.cli import main\n"
        "try:\n"
        "    main([sys.argv[1], 'job.yaml'])\n"
        "except SystemExit as stop:\n"
        "    print(stop.code, sorted({'torch', 'diffusers', 'transformers', 'ray'} & set(sys.modules)))\n"
    )
    for verb in ("check", "plan"):
        ran = subprocess.run(
            [sys.executable, "-P", "-c", code, verb], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert ran.stdout.splitlines()[-1] == "0 []", ran.stderr
