"""Floor 5: HTTP: our retrievers for others, such as Dify."""

from limitlab.serve.app import ServeConfig, application, serve
from limitlab.serve.searcher import Found, Searcher

__all__ = ["Found", "Searcher", "ServeConfig", "application", "serve"]
