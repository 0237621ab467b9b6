"""Checking and planning start without the libraries of rendering, which take seconds to import."""

import subprocess
import sys

LIBRARIES = {
    *("torch", "diffusers", "transformers", "ray", "numpy", "pyarrow", "av", "cv2", "fsspec", "jinja2"),
    *("huggingface_hub.hf_api", "pyparsing", "rich.console"),
}


def test_check_and_plan_import_no_library_that_they_do_not_need(tmp_path, write_manifest):
    write_manifest(pretrained="tiny-world")
    code = (
        "import sys\n"
        "from farm.cli import main\n"
        "try:\n"
        "    main([sys.argv[1], 'job.yaml'])\n"
        "except SystemExit as stop:\n"
        f"    print(stop.code, sorted({LIBRARIES!r} & set(sys.modules)))\n"
    )
    for verb in ("check", "plan"):
        ran = subprocess.run(
            [sys.executable, "-P", "-c", code, verb], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert ran.stdout.splitlines()[-1] == "0 []", ran.stderr
