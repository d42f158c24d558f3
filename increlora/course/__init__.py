"What the book needs beside the method: exercises and quizzes, and the small experiments of its lessons (extra `course`)."
