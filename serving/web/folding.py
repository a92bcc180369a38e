"""Phrases that say the same on every page of a language are written into its templates when these are compiled, not looked up for each page."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from serving.web.language import Language


class PhraseFolder(CodeGenerator):
    """Compiles templates of an environment whose global `language` is a Language: `_('Queue')` is a part of the text around it."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 (jinja2 asks for it)
        """Write the template's code, its phrases without places in the environment's language."""
        super().visit_Template(_Told(self.environment).visit(node), frame)


class _Told(NodeTransformer):
    def __init__(self, environment: Environment) -> None:
        language = environment.globals["language"]
        if not isinstance(language, Language):
            raise TypeError("the templates' language is set before they are compiled")
        self._say = {"_": language.gettext, "gettext": language.gettext, "pgettext": language.pgettext}

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 (jinja2 asks for it)
        """The phrase as a constant, or the call as it is where it depends on anything."""
        self.generic_visit(node)
        say: Any = self._say.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        texts = [one.value for one in node.args if isinstance(one, nodes.Const)]
        if say is None or len(texts) < len(node.args) or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        told = Markup(say(*texts)) % {}  # noqa: S704 (as the extension does: phrases may hold markup, and %% is a per cent sign)
        return nodes.MarkSafe(nodes.Const(str(told), lineno=node.lineno), lineno=node.lineno)
