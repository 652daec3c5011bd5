import type { Crew } from './crew.ts';
import { type Deployment, stepsOf } from './deployments.ts';
import { readinessOf } from './view-app.ts';

/** One entry of `GET /v2/deployments`. @source S/raml/DeploymentPlanConversion.scala */
export function viewDeployment(deployment: Deployment, crew: Crew): Record<string, unknown> {
  const current = deployment.steps[deployment.currentStep - 1]?.actions ?? [];
  return {
    id: deployment.id,
    version: deployment.version,
    affectedApps: deployment.affected,
    affectedPods: [],
    steps: stepsOf(deployment),
    currentActions: current.map(({ action, app }) => ({
      action,
      app,
      readinessCheckResults: readinessOf(crew.tracker.ofApp(app).flatMap((instance) => instance.task ?? [])),
    })),
    currentStep: deployment.currentStep,
    totalSteps: deployment.steps.length,
  };
}

/** The answer to a write that began a deployment. */
export const deploymentResult = (deployment: Deployment) => ({
  version: deployment.version,
  deploymentId: deployment.id,
});
