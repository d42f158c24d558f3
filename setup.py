"Everything comes from settings.ini; pyproject.toml names the build backend."

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
ini = ConfigParser(delimiters=["="])
ini.read(here / "settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]
lib, readme = cfg["lib_name"], here / "README.md"


def absolute(text):
    "`text` with the targets of its links and pictures as addresses: a package index shows it far from the repository."
    tree = {"!": f"{cfg['git_url']}/raw/{cfg['branch']}/", "": f"{cfg['git_url']}/blob/{cfg['branch']}/"}
    return re.sub(r"(!?)(\[[^\]]*\]\()(?![a-z]+:|#)", lambda m: m[1] + m[2] + tree[m[1]], text)


def extras():
    "Name -> requirements: each extra of settings.ini, and those that are made of others."
    found = {name: cfg[f"{name}_requirements"].split() for name in ("glue", "plots", "course", "dev")}
    found["course"] += found["glue"] + found["plots"]
    found["dev"] += found["course"]
    return {**found, "all": found["course"]}


setup(
    name=lib,
    version=cfg["version"],
    description=cfg["description"],
    long_description=absolute(readme.read_text(encoding="utf-8")) if readme.exists() else cfg["description"],
    long_description_content_type="text/markdown",
    url=cfg["git_url"],
    project_urls={
        "Documentation": cfg["doc_host"] + cfg["doc_baseurl"],
        "Source": cfg["git_url"],
        "Issues": cfg["git_url"] + "/issues",
        "Paper": "https://arxiv.org/abs/2308.12043",
    },
    author=cfg["author"],
    keywords=cfg["keywords"].split(),
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Natural Language :: English",
        "Programming Language :: Python :: 3",
        "Typing :: Typed",
    ],
    python_requires=">=" + cfg["min_python"],
    packages=find_packages(include=[lib, lib + ".*"]),
    package_data={
        lib: [
            "py.typed",
            "glue/pocket/*.safetensors",
            "glue/pocket/*.json",
            "glue/pocket/README.md",
            "glue/presets.yaml",
        ]
    },
    install_requires=cfg["requirements"].split(),
    extras_require=extras(),
    entry_points={"console_scripts": cfg["console_scripts"].split(), "nbdev": [f"{lib}={lib}._modidx:d"]},
    zip_safe=False,
)
