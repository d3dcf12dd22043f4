"""LAZY_IMPORTS=false: everything is imported before the worker serves, as the usual import lines would do it."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.util import find_spec

OUTER = ("rooms", "web", "sim", "bench")
"""The folders that no call needs; one that was deleted is passed over."""
PLUGIN = "livekit.plugins.noise_cancellation"


def import_everything() -> list[str]:
    """Import the outer folders and the plugin that only some calls need. Returns the names, sorted."""
    names = [PLUGIN] if find_spec(PLUGIN) else []
    for folder in OUTER:
        package = find_spec(folder)
        if package is not None and package.submodule_search_locations is not None:
            names.append(folder)
            names += [
                module.name
                for module in pkgutil.walk_packages(package.submodule_search_locations, f"{folder}.")
                if not module.name.endswith("__main__")
            ]
    for name in names:
        importlib.import_module(name)
    return sorted(names)
