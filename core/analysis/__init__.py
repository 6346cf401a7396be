"""Where is the face: detection, landmarks, association, smoothing."""
