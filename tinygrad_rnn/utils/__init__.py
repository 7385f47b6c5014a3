from . import checkpoint as checkpoint, data as data, interchange as interchange
from .gradient_flow import GradientFlow as GradientFlow, plot_gradient_flow as plot_gradient_flow
from .graph import Drawing as Drawing, draw_graph as draw_graph
from .nonfinite import Nonfinite as Nonfinite, find_nonfinite as find_nonfinite
