"""The tasks, and what becomes of a task on the data of one recipe."""

from vrs_bench.tasks.binding import BoundTask, bind, require_products
from vrs_bench.tasks.definitions import TASKS, Task, get_task

__all__ = ["TASKS", "BoundTask", "Task", "bind", "get_task", "require_products"]
